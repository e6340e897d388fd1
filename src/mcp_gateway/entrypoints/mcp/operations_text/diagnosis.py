"""Health and causes: the verdict first, then why, what was ruled out, what may be done, and what was not seen."""

from collections.abc import Iterator, Mapping

from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.entrypoints.mcp.operations_text.lines import (
    Line,
    Style,
    blind_spots,
    evidence,
    fields,
    figures,
    objects,
    say,
    share,
    spoken,
    texts,
)

_VERDICTS: Mapping[str, Style] = {"healthy": "good", "degraded": "poor", "unhealthy": "bad"}
_PARTS = {
    "backend_orchestrator_health": "gateway",
    "cache_metrics": "cache",
    "rate_limiting": "limits",
    "ai_engine_connectivity": "engine",
}
_SEEN = frozenset({"status", "tenant_id"})


def health_lines(found: JsonObject) -> Iterator[Line]:
    """Of `diagnose_gateway_health`."""
    yield _verdict(str(found["overall_status"]), "")
    yield say("plain", str(found["story"]))
    yield say("plain", f"next: {found['next_action']}")
    for trouble in objects(found["diagnostics"]):
        yield from _trouble(trouble)
    yield from _actions(found, "actions")
    yield say("heading", "parts")
    for member, called in _PARTS.items():
        part = found[member]
        if isinstance(part, dict):
            facts = fields(part, _SEEN)
            yield say("plain", f"  {called}: {spoken(str(part['status']))}{f' ({facts})' if facts else ''}")
            yield from figures(called, part.get("figures"))
    yield from blind_spots(found)


def trouble_lines(found: JsonObject) -> Iterator[Line]:
    """Of `troubleshoot_production_issue`."""
    yield _verdict(str(found["verdict"]), f"  ({_sure(found)})")
    if found["summary"] and not found["hypotheses"]:
        yield say("plain", str(found["summary"]))
    for cause in objects(found["hypotheses"]):
        yield say("heading", f"{cause['title']}  ({cause['cause']}, {share(cause['confidence'])})")
        yield say("plain", f"  {cause['why']}")
        yield from (evidence(sign, "+") for sign in objects(cause["for"]))
        yield from (evidence(sign, "-") for sign in objects(cause["against"]))
    if not found["hypotheses"]:
        for trouble in objects(found["diagnostics"]):
            yield from _trouble(trouble)
        yield from (evidence(sign, "+") for sign in objects(found["departures"]))
    yield from _actions(found, "recommendations")
    ruled_out = objects(found["ruled_out"])
    if ruled_out:
        yield say("heading", "ruled out")
        yield from (say("soft", f"  {one['cause']}: {one['why']}") for one in ruled_out)
    yield from blind_spots(found)


def _sure(found: JsonObject) -> str:
    """Where nothing wrong was seen, how much of what might be was ruled out."""
    if found["verdict"] in {"degraded", "unhealthy"}:
        return f"confidence {share(found['confidence'])}"
    return f"{share(found['confidence'])} of known causes ruled out"


def _verdict(word: str, more: str) -> Line:
    return say(_VERDICTS.get(word, "unsure"), spoken(word) + more)


def _trouble(trouble: JsonObject) -> Iterator[Line]:
    yield say("heading", f"{trouble['message']}  ({trouble['severity']}, {trouble['component']})")
    yield say("plain", f"  {trouble['impact']}")
    yield from (evidence(sign, "+") for sign in objects(trouble.get("evidence")))


def _actions(found: JsonObject, member: str) -> Iterator[Line]:
    """In the order in which they should be thought of."""
    for number, action in enumerate(objects(found[member]), start=1):
        undo = "can be undone" if action["reversible"] else "cannot be undone"
        yield say("heading", f"{number}. {action['action']}  (risk {action['risk']}, {undo})")
        yield from (say("plain", f"   first: {one}") for one in texts(action["preconditions"]))
        yield say("plain", f"   to see it first: {action['dry_run']}")
        yield say("plain", f"   then watch: {action['verify']}")
        if action["undo"]:
            yield say("plain", f"   undo: {action['undo']}")
        yield from (say("command", f"   {line}") for line in str(action["command"]).splitlines())
