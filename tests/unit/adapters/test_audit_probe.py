"""The health of the audit trail."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from tests.contracts.access.audit_trails import EVENT

from mcp_gateway.access.audit.model import AuditLine, Head
from mcp_gateway.access.audit.trail import WhenAway, open_trail
from mcp_gateway.access.errors import AuditUnavailable
from mcp_gateway.adapters.audit_probe import AuditProbe
from mcp_gateway.adapters.memory_audit import MemoryAudit
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Unavailable

pytestmark = pytest.mark.anyio


class Away(MemoryAudit):
    """A store that takes or gives nothing."""

    def __init__(self, *, writing: bool, reading: bool) -> None:
        super().__init__("of-tests")
        self._writing, self._reading = writing, reading

    async def append(self, lines: Sequence[AuditLine]) -> None:
        if not self._writing:
            raise Unavailable
        await super().append(lines)

    async def head(self, tenant: str) -> Head | None:
        if not self._reading:
            raise Unavailable
        return await super().head(tenant)


@pytest.mark.parametrize(("when_away", "needed"), [("closed", True), ("open", False)])
async def test_a_trail_is_needed_where_nothing_is_answered_without_it(when_away: WhenAway, needed: bool) -> None:  # noqa: FBT001
    store = MemoryAudit("of-tests")
    async with open_trail(store, FixedClock(datetime(2026, 11, 21, tzinfo=UTC)), when_away=when_away) as trail:
        probe = AuditProbe(trail, store)
        found = await probe.check()
    assert probe.needed is needed
    assert (found.healthy, found.status, found.facts["lost"]) == (True, "written", 0)


async def test_a_trail_that_cannot_be_written_is_unhealthy_and_says_what_was_lost() -> None:
    store = Away(writing=False, reading=True)
    async with open_trail(store, FixedClock(datetime(2026, 11, 21, tzinfo=UTC))) as trail:
        with pytest.raises(AuditUnavailable):
            await trail.record(EVENT)
        found = await AuditProbe(trail, store).check()
    assert (found.healthy, found.status, found.facts["lost"]) == (False, "not written", 1)


async def test_a_store_that_cannot_be_read_is_unhealthy() -> None:
    store = Away(writing=True, reading=False)
    async with open_trail(store, FixedClock(datetime(2026, 11, 21, tzinfo=UTC))) as trail:
        found = await AuditProbe(trail, store).check()
    assert (found.healthy, found.status) == (False, "unreachable")
