"""Going back to the rules that were stored before the present ones. The store keeps these two, so it is known what that means."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mcp_gateway.adapters.remedies.lines import CALL_SECONDS, open_line
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.diagnostics.actions.operating import Change, Outcome, Progress, Radius
from mcp_gateway.diagnostics.verdict import Action
from mcp_gateway.kit.errors import RulesChanged
from mcp_gateway.kit.limits.documents import from_text
from mcp_gateway.kit.limits.ports import StoredDocument
from mcp_gateway.kit.limits.rules import ConcurrencyRule, Rule
from mcp_gateway.kit.redis.limits import RULES_KEY, RedisRuleStore


@dataclass(frozen=True, kw_only=True, slots=True)
class RollBackRules:
    """Kind `roll_back_rules`, for rules that replicas share. Refused when somebody changes them meanwhile."""

    url: str = field(repr=False)

    async def radius(self, action: Action) -> Radius:
        async with self._store() as store:
            changes = _changes(action.target["rule"], (await store.load()).text, await _former(store))
        return Radius(changes=changes, fixed=changes)

    async def prepare(self, action: Action) -> Change:
        async with self._store() as store:
            present, former = await store.load(), await _former(store)
        changes, refused = _changes(action.target["rule"], present.text, former), False

        async def do(_: Progress) -> Outcome:
            nonlocal refused
            async with self._store() as store:
                try:
                    await store.save(former, expected_revision=present.revision)
                except RulesChanged:
                    refused = True
                    raise
            return Outcome(said=f"The rules are again those before: {'; '.join(changes)}.")

        async def undo() -> None:
            if refused:
                return
            async with self._store() as store:
                now = await store.load()
                if await _is_ours(store, now, former, present):
                    await store.save(present.text, expected_revision=now.revision)

        return Change(
            do=do,
            undo=undo,
            fixed=changes,
            way_back=f"the rules that were in force stand in the store, until others are stored: HGET {RULES_KEY} former",
        )

    @asynccontextmanager
    async def _store(self) -> AsyncIterator[RedisRuleStore]:
        async with await open_line(self.url) as line:
            yield RedisRuleStore(line, timeout_seconds=CALL_SECONDS)


async def _is_ours(store: RedisRuleStore, now: StoredDocument, former: str, present: StoredDocument) -> bool:
    """Whether the rules are those of the change, and not those before it. Raises `RulesChanged` when somebody stored others."""
    if now.text == present.text:
        return False
    if (now.text, await store.former()) != (former, present.text):
        raise RulesChanged(revision=now.revision, expected_revision=present.revision)
    return True


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
