"""Past calls under another policy."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import pytest
from tests.contracts.access.audit_trails import EVENT

from mcp_gateway.access.audit.chain import line_of
from mcp_gateway.access.audit.export import rows_of
from mcp_gateway.access.audit.model import AuditEvent, AuditRow
from mcp_gateway.access.audit.replay import Replayed, replay
from mcp_gateway.access.policy.model import Action, Target
from mcp_gateway.adapters.memory_audit import MemoryAudit
from mcp_gateway.core.identity import Caller

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Verdict:
    allowed: bool
    rule: str = "r1"
    reason: str = "because"


def only_viewers_ask(caller: Caller, action: Action, target: Target) -> Verdict:
    return Verdict(action != "ask" or ("viewer" in caller.roles and target.table != "wages"))


async def replayed(events: Sequence[AuditEvent]) -> list[Replayed]:
    store = MemoryAudit("of-tests")
    await store.append([line_of(event) for event in events])
    pages: AsyncIterator[Sequence[AuditRow]] = rows_of(store, "acme")
    return list(await replay(pages, only_viewers_ask))


async def test_calls_that_would_end_otherwise_are_counted_together() -> None:
    analyst = replace(EVENT, roles=("analyst",))
    refused = replace(EVENT, decision="refused", outcome="refused", error_code="NOT_ALLOWED")
    found = await replayed([analyst, EVENT, analyst, refused, replace(EVENT, table="wages")])
    assert [(one.was_allowed, one.count, one.sequence, one.target.table) for one in found] == [
        (True, 2, 3, "orders"),
        (False, 1, 4, "orders"),
        (True, 1, 5, "wages"),
    ]
    assert found[0].caller.roles == {"analyst"}
    assert (found[0].rule, found[0].reason) == ("r1", "because")


async def test_what_no_policy_decided_is_left_out() -> None:
    refused = replace(EVENT, decision="refused", outcome="refused")
    strangers = [replace(refused, error_code=code) for code in ("TOKEN_REFUSED", "TENANT_MISMATCH", "RATE_LIMITED")]
    assert await replayed([*strangers, replace(EVENT, action="keep_audit"), replace(EVENT, action="log_in", roles=())]) == []
