"""What the audit trail remembers, as calls that can be decided again."""

from collections.abc import Iterable, Iterator
from typing import Final

from mcp_gateway.access.audit.model import AuditEvent
from mcp_gateway.access.audit.replay import past_call
from mcp_gateway.access.audit.search import MAX_PAGE, Search, Searching, find
from mcp_gateway.access.policy.dry_run import PastCall
from mcp_gateway.core.clock import Clock

MAX_CALLS: Final = 50_000
SECONDS_PER_DAY: Final = 86_400.0


class PastCalls:
    """What was done lately, for comparing policies."""

    def __init__(self, trail: Searching, clock: Clock) -> None:
        self._trail, self._clock = trail, clock

    async def read(self, tenants: Iterable[str], *, days: float) -> list[PastCall]:
        """The newest of each tenant, `MAX_CALLS` of all of them at most; none for 0 days. Raises `Unavailable`."""
        since = self._clock.timestamp() - days * SECONDS_PER_DAY
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
    """One a line; without what no policy decided, a refused login for one."""
    for event in events:
        call = past_call(event)
        if call is not None:
            caller, action, target = call
            yield PastCall(caller=caller, action=action, target=target)
