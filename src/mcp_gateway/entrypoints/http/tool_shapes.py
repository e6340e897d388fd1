"""From definitions to the API's shapes. Who is told what is decided before."""

from mcp_gateway.core.protocol.frames import parse_object
from mcp_gateway.entrypoints.http.access_shapes import moment
from mcp_gateway.entrypoints.http.tool_answers import ComparedAnswer, DefinitionAnswer, EntryAnswer, SuspicionAnswer
from mcp_gateway.federation.catalog.costs import tokens_of
from mcp_gateway.registry.definitions.approvals import Compared, Shown
from mcp_gateway.registry.definitions.diff_text import diff_text
from mcp_gateway.registry.definitions.findings import Finding


def shape_entry(shown: Shown) -> EntryAnswer:
    """One line of a list. Why it stands so, and who decided, is for those who may decide.

    `tokens`: what a tool's definition costs a model that reads it, about; None for what is no tool.
    """
    record = shown.record
    standing = record.standing()
    entry: EntryAnswer = {
        "server": record.server,
        "kind": record.kind,
        "name": record.name,
        "status": record.status,
        "fingerprint": standing.fingerprint,
        "tokens": tokens_of(standing.definition) if record.kind == "tools" else None,
        "seen_at": moment(record.seen_at),
        "manageable": shown.managing,
    }
    if shown.managing:
        entry |= {
            "verdict": record.verdict,
            "reasons": list(record.reasons),
            "approved_fingerprint": record.approved_fingerprint,
            "latest_fingerprint": record.latest_fingerprint,
            "decided_at": None if record.decided_at is None else moment(record.decided_at),
            "decided_by": record.decided_by,
        }
    return entry


def shape_shown(shown: Shown) -> DefinitionAnswer:
    record = shown.record
    definition, latest = parse_object(record.standing().body), parse_object(record.latest_body)
    shape: DefinitionAnswer = {**shape_entry(shown), "definition": definition, "latest": latest}
    if not shown.managing:
        del shape["latest"]
    return shape


def shape_compared(compared: Compared) -> ComparedAnswer:
    """`text` holds nothing invisible; the values in `differences` are as the server sent them."""
    return {
        **shape_entry(Shown(record=compared.record, managing=True)),
        "class": compared.comparison.worst,
        "differences": [
            {"path": one.path, "what": one.what, "class": one.change, "before": one.before, "after": one.after}
            for one in compared.comparison.differences
        ],
        "findings": [_finding(one) for one in compared.comparison.findings],
        "all_findings": [_finding(one) for one in compared.standing_findings],
        "text": diff_text(compared),
    }


def _finding(finding: Finding) -> SuspicionAnswer:
    return {"rule": finding.rule, "severity": finding.severity, "path": finding.path, "excerpt": finding.excerpt}
