"""What becomes of one item a server lists now, given what is known of it. Pure."""

from dataclasses import replace

from mcp_gateway.core.protocol.frames import parse_object
from mcp_gateway.registry.definitions.compare import Comparison, compare, describe_new
from mcp_gateway.registry.definitions.model import Record, Status, Verdict
from mcp_gateway.registry.definitions.reading import Seen, body_of
from mcp_gateway.registry.definitions.rules import at_first_sight, consequence
from mcp_gateway.registry.model import DriftRule, Server


def rule_of(server: Server) -> DriftRule:
    """What is built in changes with the program, which is trusted as a whole."""
    return "pass" if server.source == "built_in" else server.drift


def judge(server: Server, seen: Seen, known: Record | None, *, first: bool, at: float) -> Record:
    """The record to keep now; `known` itself when there is nothing new.

    `first`: it comes with the first list ever seen of its server. Raises `Unreadable`.
    """
    if known is not None and known.latest_fingerprint == seen.fingerprint:
        return known
    if known is None:
        return _judge_new(server, seen, first=first, at=at)
    changed = replace(known, latest_fingerprint=seen.fingerprint, latest_body=body_of(seen), seen_at=at)
    if known.verdict == "refused":
        return changed
    if known.approved_body is None:
        found = describe_new(seen.kind, seen.item)
        return replace(changed, status=consequence(rule_of(server), found.worst), verdict="new", reasons=found.reasons)
    if known.approved_fingerprint == seen.fingerprint:
        return replace(changed, latest_body=known.approved_body, status="offered", verdict="approved", reasons=())
    found = compare(seen.kind, parse_object(known.approved_body), seen.item)
    return replace(changed, status=consequence(rule_of(server), found.worst), verdict=found.worst, reasons=found.reasons)


def _judge_new(server: Server, seen: Seen, *, first: bool, at: float) -> Record:
    found = describe_new(seen.kind, seen.item)
    status, verdict = _standing_of_new(server, found, first=first)
    body = body_of(seen)
    approved = status == "offered"
    return Record(
        server=server.name,
        kind=seen.kind,
        name=seen.name,
        approved_fingerprint=seen.fingerprint if approved else None,
        approved_body=body if approved else None,
        latest_fingerprint=seen.fingerprint,
        latest_body=body,
        status=status,
        verdict=verdict,
        reasons=found.reasons,
        seen_at=at,
        decided_at=at if approved and first else None,
        decided_by=server.created_by if approved and first and server.created_by else None,
    )


def _standing_of_new(server: Server, found: Comparison, *, first: bool) -> tuple[Status, Verdict]:
    if first:
        return at_first_sight(found.worst), "suspicious" if found.worst == "suspicious" else "first"
    return consequence(rule_of(server), found.worst), "suspicious" if found.worst == "suspicious" else "new"
