"""The trail as others read it: JSON lines, and OpenTelemetry log records in the JSON of its wire format (OTLP 1.x)."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from mcp_gateway.access.audit.chain import microseconds, read_row
from mcp_gateway.access.audit.model import AuditRow
from mcp_gateway.access.audit.ports import AuditStore
from mcp_gateway.access.audit.verify import PAGE
from mcp_gateway.core.errors import Json

SCOPE: Final = "mcp_gateway.audit"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INFO: Final = (9, "INFO")
_WARNING: Final = (13, "WARN")


async def rows_of(
    store: AuditStore, tenant: str, *, after: int = 0, since: float | None = None, until: float | None = None
) -> AsyncIterator[Sequence[AuditRow]]:
    """The rows of a tenant, oldest first, a page at a time. Raises `Unavailable`."""
    page = await store.read(tenant, after=after, limit=PAGE)
    while page:
        rows = [read_row(stored) for stored in page]
        fitting = [row for row in rows if (since is None or row.event.at >= since) and (until is None or row.event.at < until)]
        if fitting:
            yield fitting
        page = await store.read(tenant, after=page[-1].sequence, limit=PAGE)


def document(row: AuditRow) -> dict[str, Json]:
    """One row as JSON values; times in ISO 8601, UTC. With `body` and `hash` of it a chain can be checked without the store."""
    event = row.event
    return {
        "tenant": event.tenant,
        "sequence": row.sequence,
        "at": _moment(event.at),
        "subject": event.subject,
        "credential": event.credential,
        "roles": [*event.roles],
        "scopes": None if event.scopes is None else [*event.scopes],
        "action": event.action,
        "server": event.server,
        "tool": event.tool,
        "table": event.table,
        "column": event.column,
        "decision": event.decision,
        "reason": event.reason,
        "outcome": event.outcome,
        "error_code": event.error_code,
        "duration_ms": event.duration_ms,
        "correlation_id": event.correlation_id,
        "fingerprint": event.fingerprint,
        "arguments": event.arguments,
        "face": event.face,
        "hash": row.hash,
    }


def json_lines(rows: Sequence[AuditRow]) -> Iterator[str]:
    """One line a row, without the line break."""
    for row in rows:
        yield json.dumps({**document(row), "body": row.body}, ensure_ascii=False, separators=(",", ":"))


def telemetry_line(rows: Sequence[AuditRow]) -> str:
    """All of these rows as one line of an OTLP file: what a collector's `otlpjsonfile` receiver takes."""
    scope: Json = {"name": SCOPE}
    return json.dumps(
        {
            "resourceLogs": [
                {
                    "resource": {"attributes": [_attribute("service.name", "mcp-gateway")]},
                    "scopeLogs": [{"scope": scope, "logRecords": [_record(row) for row in rows]}],
                }
            ]
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _record(row: AuditRow) -> dict[str, Json]:
    event = row.event
    number, text = _INFO if event.outcome == "answered" else _WARNING
    moment = str(microseconds(event.at) * 1000)
    target = f" {event.server} {event.target}".rstrip()
    facts = {name: value for name, value in document(row).items() if name != "at" and value not in ("", None, [])}
    return {
        "timeUnixNano": moment,
        "observedTimeUnixNano": moment,
        "severityNumber": number,
        "severityText": text,
        "body": {"stringValue": f"{event.subject} {event.action}{target}: {event.outcome}"},
        "attributes": [_attribute(f"audit.{name}", value) for name, value in facts.items()],
    }


def _attribute(name: str, value: Json) -> dict[str, Json]:
    return {"key": name, "value": _any_value(value)}


def _any_value(value: Json) -> dict[str, Json]:
    """64-bit integers are text in OTLP's JSON."""
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any_value(one) for one in value]}}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}


def _moment(at: float) -> str:
    return (_EPOCH + timedelta(microseconds=microseconds(at))).isoformat(timespec="microseconds").replace("+00:00", "Z")
