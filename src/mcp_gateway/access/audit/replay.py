"""What past calls would have met under another policy: which it would refuse, and which refused ones it would allow."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from mcp_gateway.access.audit.model import AuditEvent, AuditRow
from mcp_gateway.access.errors import InsufficientScope, NotAllowed
from mcp_gateway.access.policy.model import ACTIONS, Action, Target
from mcp_gateway.core.identity import Caller


class Decided(Protocol):
    """What a policy says of one call."""

    @property
    def allowed(self) -> bool: ...
    @property
    def rule(self) -> str: ...
    @property
    def reason(self) -> str: ...


Decide: TypeAlias = Callable[[Caller, Action, Target], Decided]

# Refused by the policy; whoever was refused for another reason (a bad token, a limit) is none of its business.
_BY_POLICY: Final = {NotAllowed.code, InsufficientScope.code}


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """Calls alike that would now end otherwise: `count` of them, the latest at `sequence`."""

    caller: Caller
    action: Action
    target: Target
    was_allowed: bool
    rule: str
    reason: str
    count: int
    sequence: int


def past_call(event: AuditEvent) -> tuple[Caller, Action, Target] | None:
    """Who wanted what, as the policy is asked; None for what no policy decided."""
    if event.action not in ACTIONS or (event.decision == "refused" and event.error_code not in _BY_POLICY):
        return None
    caller = Caller(
        tenant=event.tenant,
        subject=event.subject,
        roles=frozenset(event.roles),
        scopes=None if event.scopes is None else frozenset(event.scopes),
    )
    target = Target(server=event.server, tool=event.tool, table=event.table, column=event.column)
    return caller, event.action, target


async def replay(pages: AsyncIterator[Sequence[AuditRow]], decide: Decide) -> tuple[Replayed, ...]:
    """Those that would end otherwise, most frequent first. Roles and scopes are those of then, from the lines."""
    tally = _Tally()
    async for rows in pages:
        tally.add(rows)
    return tally.compared(decide)


_Key: TypeAlias = tuple[Caller, frozenset[str], frozenset[str] | None, Action, Target, bool]


class _Tally:
    """Calls alike, counted: the policy is asked once for all of them."""

    def __init__(self) -> None:
        self._counts: Counter[_Key] = Counter()
        self._latest: dict[_Key, int] = {}

    def add(self, rows: Iterable[AuditRow]) -> None:
        for row in rows:
            call = past_call(row.event)
            if call is None:
                continue
            caller, action, target = call
            key = (caller, caller.roles, caller.scopes, action, target, row.event.decision == "allowed")
            self._counts[key] += 1
            self._latest[key] = row.sequence

    def compared(self, decide: Decide) -> tuple[Replayed, ...]:
        found = []
        for key, count in self._counts.items():
            caller, _, _, action, target, was_allowed = key
            now = decide(caller, action, target)
            if now.allowed != was_allowed:
                found.append(
                    Replayed(
                        caller=caller,
                        action=action,
                        target=target,
                        was_allowed=was_allowed,
                        rule=now.rule,
                        reason=now.reason,
                        count=count,
                        sequence=self._latest[key],
                    )
                )
        return tuple(sorted(found, key=lambda one: (-one.count, one.sequence)))
