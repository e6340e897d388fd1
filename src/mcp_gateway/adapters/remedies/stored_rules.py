"""Going back to the rules that were stored before the present ones. The store keeps these two, so it is known what that means."""

from dataclasses import dataclass, field

from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.diagnostics.actions.applying import Radius, Undo
from mcp_gateway.diagnostics.verdict import Action
from mcp_gateway.kit.limits.documents import from_text
from mcp_gateway.kit.limits.rules import ConcurrencyRule, Rule
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisRuleStore

CALL_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RollBackRules:
    """Kind `roll_back_rules`, for rules that replicas share. Refused when somebody changes them meanwhile."""

    url: str = field(repr=False)

    async def radius(self, action: Action) -> Radius:
        async with await RedisConnection.open(self.url, timeout_seconds=CALL_SECONDS) as connection:
            store = RedisRuleStore(connection, timeout_seconds=CALL_SECONDS)
            return Radius(changes=_changes(action.target["rule"], (await store.load()).text, await _former(store)))

    async def carry_out(self, action: Action) -> Undo | None:
        async with await RedisConnection.open(self.url, timeout_seconds=CALL_SECONDS) as connection:
            store = RedisRuleStore(connection, timeout_seconds=CALL_SECONDS)
            present, former = await store.load(), await _former(store)
            _changes(action.target["rule"], present.text, former)
            revision = await store.save(former, expected_revision=present.revision)

        async def undo() -> None:
            async with await RedisConnection.open(self.url, timeout_seconds=CALL_SECONDS) as connection:
                store = RedisRuleStore(connection, timeout_seconds=CALL_SECONDS)
                await store.save(present.text, expected_revision=revision)

        return undo


async def _former(store: RedisRuleStore) -> str:
    former = await store.former()
    if former is None:
        raise InvalidInput("The store does not know which rules were there before.", hint="Store them from their source again.")
    return former


def _changes(rule: str, present: str, former: str) -> tuple[str, ...]:
    """One line for each rule that differs. Raises `InvalidInput` when the one that is meant does not."""
    now, then = _by_name(present), _by_name(former)
    differing = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    if rule not in differing:
        raise InvalidInput(
            f"The last change of the stored rules did not touch {rule[:60]}.",
            hint="It is lower elsewhere: in the configuration of the application, or by an earlier change.",
        )
    return tuple(f"rule {name}: {_told(now.get(name))} -> {_told(then.get(name))}" for name in differing)


def _by_name(text: str) -> dict[str, Rule | ConcurrencyRule]:
    if not text:
        return {}
    rules = from_text(text)
    found: list[Rule | ConcurrencyRule] = [*rules.rules, *rules.concurrency]
    return {one.name: one for one in found}


def _told(rule: Rule | ConcurrencyRule | None) -> str:
    if rule is None:
        return "as configured"
    window = f" in {rule.window_seconds:g} s" if isinstance(rule, Rule) else " at a time"
    return f"{rule.limit}{window}" if rule.enabled else "switched off"
