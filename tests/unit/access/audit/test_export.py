"""The trail as others read it."""

import json
from dataclasses import replace

import pytest
from tests.contracts.access.audit_trails import EVENT, NOON, line

from mcp_gateway.access.audit.chain import genesis, line_of, next_hash
from mcp_gateway.access.audit.export import json_lines, rows_of, telemetry_line
from mcp_gateway.access.audit.model import AuditRow
from mcp_gateway.adapters.memory_audit import MemoryAudit

pytestmark = pytest.mark.anyio


async def exported(store: MemoryAudit, **bounds: float) -> list[AuditRow]:
    return [row async for page in rows_of(store, "acme", **bounds) for row in page]  # type: ignore[arg-type]


async def test_every_row_is_given_oldest_first_within_its_bounds() -> None:
    store = MemoryAudit("of-tests")
    await store.append([line(number) for number in range(2_300)])
    rows = await exported(store)
    assert [row.sequence for row in rows] == list(range(1, 2_301))
    assert [row.sequence for row in await exported(store, since=NOON + 3, until=NOON + 5)] == [4, 5]


async def test_json_lines_hold_all_there_is_to_check_the_chain_elsewhere() -> None:
    store = MemoryAudit("of-tests")
    await store.append([line(1), line_of(replace(EVENT, subject="Zoë \U0001f600", at=NOON + 0.000001))])
    before = genesis("acme", "of-tests")
    for text in json_lines(await exported(store)):
        assert "\n" not in text
        row = json.loads(text)
        before = next_hash(before, row["body"])
        assert row["hash"] == before
    assert row["subject"] == "Zoë \U0001f600"
    assert row["at"] == "2026-09-21T14:13:20.000001Z"


async def test_telemetry_is_in_the_shape_of_its_wire_format() -> None:
    store = MemoryAudit("of-tests")
    await store.append([line(1), line_of(replace(EVENT, outcome="refused", decision="refused", error_code="NOT_ALLOWED"))])
    written = json.loads(telemetry_line(await exported(store)))
    (resource,) = written["resourceLogs"]
    assert resource["resource"]["attributes"] == [{"key": "service.name", "value": {"stringValue": "mcp-gateway"}}]
    (scope,) = resource["scopeLogs"]
    first, second = scope["logRecords"]
    assert first["timeUnixNano"] == str(int(NOON + 1) * 10**9)
    assert first["body"] == {"stringValue": "entra:anna ask shop orders: answered"}
    assert (first["severityNumber"], second["severityText"]) == (9, "WARN")
    facts = {one["key"]: one["value"] for one in first["attributes"]}
    assert facts["audit.sequence"] == {"intValue": "1"}
    assert facts["audit.duration_ms"] == {"doubleValue": 12.25}
    assert facts["audit.roles"] == {"arrayValue": {"values": [{"stringValue": "analyst"}, {"stringValue": "viewer"}]}}
    assert "audit.error_code" not in facts
