"""What `mcp-gateway audit` prints. The words come from callers: no control character of theirs reaches a terminal."""

import json
import sys
from collections.abc import Iterable, Sequence

from mcp_gateway.access.audit.export import document
from mcp_gateway.access.audit.model import AuditRow, Seal
from mcp_gateway.access.audit.replay import Replayed
from mcp_gateway.access.audit.verify import Finding, Verification
from mcp_gateway.core.errors import Json
from mcp_gateway.core.visible import visible

_WORDS = {
    "changed": "changed",
    "missing": "removed",
    "repeated": "there twice",
    "cut_off": "removed from the end",
    "added": "put behind the end",
    "head_changed": "the end was changed",
    "head_missing": "the end was removed",
    "seal_broken": "not as it was sealed",
    "seal_forged": "seal forged",
    "seal_of_another_key": "seal of another key",
}


def print_lines(lines: Iterable[str]) -> None:
    """Each on a line of its own, at once."""
    for line in lines:
        sys.stdout.write(f"{visible(line)}\n")
    sys.stdout.flush()


def print_documents(documents: Iterable[Json]) -> None:
    """One JSON value a line."""
    print_lines(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in documents)


def row_line(row: AuditRow) -> str:
    """When, who, what, on what, how it ended."""
    event = row.event
    moment = document(row)["at"]
    what = " ".join(word for word in (event.action, event.server, event.target) if word)
    outcome = f"{event.outcome} {event.error_code}".rstrip()
    facts = [f"{event.duration_ms:.0f} ms", event.reason, event.correlation_id]
    return "  ".join(
        [f"{moment}", f"#{row.sequence}", f"{event.subject or '?'}", what, outcome, *(fact for fact in facts if fact)]
    )


def verification_lines(found: Verification) -> list[str]:
    """One for the chain, one for each finding."""
    if not found.rows and found.sound:
        return [f"ok      {found.tenant}: no rows"]
    rows, seals = _counted(found.rows, "row"), _counted(found.seals, "seal")
    stretch = f"{rows}, {found.first} to {found.last}, {seals}"
    return [f"{'ok     ' if found.sound else 'BROKEN '} {found.tenant}: {stretch}", *map(_finding_line, found.findings)]


def verification_document(found: Verification) -> Json:
    """The same for programs."""
    findings: list[Json] = [
        {"fault": one.fault, "sequence": one.sequence, "through": one.through, "detail": one.detail} for one in found.findings
    ]
    return {
        "tenant": found.tenant,
        "sound": found.sound,
        "rows": found.rows,
        "first": found.first,
        "last": found.last,
        "hash": found.hash,
        "seals": found.seals,
        "findings": findings,
    }


def seal_document(seal: Seal) -> Json:
    """All of a seal: kept elsewhere, it can be held against the chain later."""
    return {
        "tenant": seal.tenant,
        "sequence": seal.sequence,
        "hash": seal.hash,
        "sealed_at": seal.sealed_at,
        "reason": seal.reason,
        "key": seal.key,
        "signature": seal.signature,
    }


def replay_lines(found: Sequence[Replayed]) -> list[str]:
    """Those refused first: they are what somebody will call about."""
    lines = []
    for title, was_allowed in (("would be refused:", True), ("would be allowed:", False)):
        some = [one for one in found if one.was_allowed == was_allowed]
        lines += [title, *(_replayed_line(one) for one in some)] if some else []
    refused = sum(one.count for one in found if one.was_allowed)
    allowed = sum(one.count for one in found if not one.was_allowed)
    return [*lines, f"{refused} past calls would be refused, {allowed} refused ones allowed. Nothing was changed."]


def replay_document(one: Replayed) -> Json:
    """The same for programs."""
    return {
        "tenant": one.caller.tenant,
        "subject": one.caller.subject,
        "roles": [*sorted(one.caller.roles)],
        "action": one.action,
        "target": str(one.target),
        "was_allowed": one.was_allowed,
        "allowed": not one.was_allowed,
        "rule": one.rule,
        "reason": one.reason,
        "count": one.count,
        "latest_sequence": one.sequence,
    }


def _replayed_line(one: Replayed) -> str:
    what = f"{one.action} {one.target}".strip()
    return f"  {one.count} times  {one.caller.subject} of {one.caller.tenant}: {what}  ({one.reason}; latest #{one.sequence})"


def _finding_line(finding: Finding) -> str:
    where = f"#{finding.sequence}" if finding.through <= finding.sequence else f"#{finding.sequence} to #{finding.through}"
    word = _WORDS[finding.fault]
    return f"  {where}: {word}" if finding.detail in ("", word) else f"  {where}: {word}: {finding.detail}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
