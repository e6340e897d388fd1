"""Routers: what was made, and which rules are broken where."""

from collections.abc import Iterator, Mapping

from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.entrypoints.mcp.operations_text.lines import Line, Style, amount, at_most, code_lines, objects, say, share, texts

_COMPLIANCE: Mapping[str, Style] = {"excellent": "good", "good": "good", "fair": "poor", "poor": "bad"}


def router_lines(found: JsonObject) -> Iterator[Line]:
    """Of `generate_enterprise_router`: the files whole, since nothing was written."""
    yield say("heading", f"{found['router_name']}, {found['router_type']}: nothing is written yet")
    yield from (say("plain", f"  {one}") for one in texts(found.get("features")))
    yield from (say("poor", f"  {one}") for one in texts(found["notes"]))
    yield say("heading", "next")
    yield from (say("plain", f"  {number}. {one}") for number, one in enumerate(texts(found["next_steps"]), start=1))
    for path, member in zip(object_at(found, "generated_files").values(), ("router_code", "test_code"), strict=False):
        yield say("heading", str(path))
        yield from code_lines(str(found[member]))


def patterns_lines(found: JsonObject) -> Iterator[Line]:
    """Of `validate_enterprise_patterns`: the gravest findings of a file first, in the order of the report."""
    overall, files = str(found["overall_compliance"]), found["files_validated"]
    if files:
        over = f"{share(found['average_compliance_score'])} over {amount(files)} file{'' if files == 1 else 's'}"
        yield say(_COMPLIANCE.get(overall, "unsure"), f"{overall}  ({over})")
    else:
        yield say("unsure", "nothing judged")
    yield from at_most(line for issue in objects(found["issues_found"]) for line in _issue(issue))
    if not found["issues_found"]:
        yield say("plain", "no rule is broken" if files else "no router was found")
    for one in objects(found.get("unreadable")):
        yield say("blind", f"not read: {one['file']}: {one['why']}")
    yield from (say("soft", one) for one in texts(found.get("notes")))


def _issue(issue: JsonObject) -> Iterator[Line]:
    yield say(
        "heading", f"{issue['file']}:{issue['line']}:{issue['column']}: {issue['issue']}  ({issue['priority']}, {issue['rule']})"
    )
    yield say("plain", f"  {issue['recommendation']}")
