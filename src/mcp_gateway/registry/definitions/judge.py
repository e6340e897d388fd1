"""What becomes of one item a server lists now, given what is known of it. Pure."""

from dataclasses import dataclass, replace
from typing import Final

from mcp_gateway.core.protocol.frames import parse_object
from mcp_gateway.registry.definitions.compare import compare, describe_new
from mcp_gateway.registry.definitions.differences import Comparison
from mcp_gateway.registry.definitions.model import Record, Status, Verdict
from mcp_gateway.registry.definitions.reading import Seen, body_of
from mcp_gateway.registry.definitions.rules import at_first_sight, consequence
from mcp_gateway.registry.definitions.suspicious import Surroundings
from mcp_gateway.registry.model import DriftRule, Server

_UNKEPT: Final = ("changed to more text than is kept of one server",)


def rule_of(server: Server) -> DriftRule:
    """What is built in changes with the program, which is trusted as a whole."""
    return "pass" if server.source == "built_in" else server.drift


@dataclass(frozen=True, kw_only=True, slots=True)
class Circumstances:
    """`first`: it comes with the first list of its kind ever seen of this server. `at` in seconds since 1970."""

    first: bool
    at: float
    around: Surroundings


def judge(server: Server, seen: Seen, known: Record | None, when: Circumstances) -> Record:
    """The record to keep now; `known` itself when there is nothing new.

    Raises `Unreadable`.
    """
    if known is None:
        return _judge_new(server, seen, when)
    if not is_news(known, seen.fingerprint):
        return known
    changed = replace(known, latest_fingerprint=seen.fingerprint, latest_body=body_of(seen), seen_at=when.at)
    if known.verdict == "refused":
        return changed
    if known.approved_body is None:
        found = describe_new(seen.kind, seen.item, when.around)
        verdict: Verdict = "suspicious" if found.suspicious else "new"
        return replace(changed, status=consequence(rule_of(server), found.worst), verdict=verdict, reasons=found.reasons)
    if known.approved_fingerprint == seen.fingerprint:
        return replace(changed, latest_body=known.approved_body, status="offered", verdict="approved", reasons=())
    found = compare(seen.kind, parse_object(known.approved_body), seen.item, when.around)
    return replace(changed, status=consequence(rule_of(server), found.worst), verdict=found.worst, reasons=found.reasons)


def is_news(known: Record, fingerprint: str) -> bool:
    """Also where what is kept is there again, after something that was not kept."""
    return known.latest_fingerprint != fingerprint or known.reasons == _UNKEPT


def held_unkept(server: Server, known: Record) -> Record:
    """For a change with more text than may be kept: held back as a wider one is, and nothing of it known.

    What was blocked stays so.
    """
    if known.verdict == "refused" or known.status == "blocked" or known.reasons == _UNKEPT:
        return known
    return replace(known, status=consequence(rule_of(server), "wider"), verdict="wider", reasons=_UNKEPT)


def _judge_new(server: Server, seen: Seen, when: Circumstances) -> Record:
    found = describe_new(seen.kind, seen.item, when.around)
    status, verdict = _standing_of_new(server, found, first=when.first)
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
        seen_at=when.at,
        decided_at=when.at if approved and when.first else None,
        decided_by=server.created_by if approved and when.first and server.created_by else None,
    )


def _standing_of_new(server: Server, found: Comparison, *, first: bool) -> tuple[Status, Verdict]:
    if first:
        return at_first_sight(found.worst), "suspicious" if found.suspicious else "first"
    return consequence(rule_of(server), found.worst), "suspicious" if found.suspicious else "new"
