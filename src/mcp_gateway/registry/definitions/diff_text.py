"""A comparison as text for people: what changed and of which class, then both definitions line by line.

Nothing in it is invisible, so that it can be printed on a terminal, whoever wrote the definition.
"""

import json
from collections.abc import Iterator
from difflib import unified_diff
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import parse_object
from mcp_gateway.registry.definitions.approvals import Compared
from mcp_gateway.registry.definitions.differences import Difference
from mcp_gateway.registry.definitions.findings import visible

_LINES: Final = 400
_VALUE: Final = 160


def diff_text(compared: Compared) -> str:
    """Ends with a line end."""
    return "".join(f"{line}\n" for line in _lines(compared))


def shown_definition(body: bytes) -> str:
    """A definition on several lines, with nothing invisible in it."""
    return "\n".join(_pretty(body))


def _lines(compared: Compared) -> Iterator[str]:
    record, comparison = compared.record, compared.comparison
    yield f"{record.server} {record.kind} {plain(record.name)}: {record.status} ({record.verdict})"
    yield f"approved {record.approved_fingerprint or '-'}"
    yield f"latest   {record.latest_fingerprint}"
    if comparison.differences:
        yield ""
    for difference in comparison.differences:
        yield from _difference(difference)
    findings = comparison.findings or compared.standing_findings
    if findings:
        yield "" if comparison.findings else "\nfound in the latest, and approved before:"
    for finding in findings:
        yield f"suspicious ({finding.severity})  {plain(finding.words())}"
    yield ""
    before = _pretty(record.approved_body) if record.approved_body is not None else []
    lines = list(unified_diff(before, _pretty(record.latest_body), "approved", "latest", lineterm=""))
    yield from lines[:_LINES]
    if len(lines) > _LINES:
        yield f"… {len(lines) - _LINES} more lines"


def _difference(difference: Difference) -> Iterator[str]:
    yield f"{difference.change:10}  {plain(difference.words())}"
    if difference.path:
        for sign, value in (("-", difference.before), ("+", difference.after)):
            if value is not None:
                yield f"{'':10}  {sign} {_short(value)}"


def _short(value: Json) -> str:
    text = plain(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}…"


def _pretty(body: bytes) -> list[str]:
    text = json.dumps(parse_object(body), ensure_ascii=False, indent=2, sort_keys=True)
    return [plain(line) for line in text.split("\n")]


def plain(text: str) -> str:
    """On one line, invisible characters by their numbers."""
    return "".join(visible(character) for character in text)
