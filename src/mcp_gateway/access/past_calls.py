"""What the audit trail remembers, as calls that can be decided again."""

from collections.abc import Iterable, Iterator
from typing import Final

from mcp_gateway.access.audit.model import AuditEvent
from mcp_gateway.access.audit.search import MAX_PAGE, Search, Searching, find
from mcp_gateway.access.policy.dry_run import PastCall
from mcp_gateway.access.policy.model import ACTIONS, Action, Target
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.identity import Caller

MAX_CALLS: Final = 50_000
SECONDS_PER_DAY: Final = 86_400.0
_BY_NAME: Final[dict[str, Action]] = {action: action for action in ACTIONS}


class PastCalls:
    """What was done lately, for comparing policies."""

    def __init__(self, trail: Searching, clock: Clock) -> None:
        self._trail, self._clock = trail, clock

    async def read(self, tenants: Iterable[str], *, days: float) -> list[PastCall]:
        """The newest of each tenant, `MAX_CALLS` of all of them at most; none for 0 days. Raises `Unavailable`."""
        since = self._clock.now().timestamp() - days * SECONDS_PER_DAY
        found: list[PastCall] = []
        for tenant in tenants if days else ():
            before: int | None = None
            while len(found) < MAX_CALLS:
                page = await find(self._trail, Search(tenant=tenant, since=since, before=before, limit=MAX_PAGE))
                found += past_calls(row.event for row in page.rows)
                before = page.before
                if before is None:
                    break
        return found


def past_calls(events: Iterable[AuditEvent]) -> Iterator[PastCall]:
    """One a line; without those of actions that this release does not know, a refused login for one."""
    for event in events:
        action = _BY_NAME.get(event.action)
        if action is not None:
            yield PastCall(caller=_caller(event), action=action, target=_target(event))


def _caller(event: AuditEvent) -> Caller:
    return Caller(
        tenant=event.tenant,
        subject=event.subject,
        roles=frozenset(event.roles),
        scopes=None if event.scopes is None else frozenset(event.scopes),
    )


def _target(event: AuditEvent) -> Target:
    return Target(server=event.server, tool=event.tool, table=event.table, column=event.column)
