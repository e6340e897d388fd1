"""Performance, cache and engine: what was measured, beside what it is compared with."""

from collections.abc import Iterator, Mapping

from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.entrypoints.mcp.operations_text.lines import (
    Line,
    Style,
    at_most,
    blind_spots,
    evidence,
    fields,
    figures,
    objects,
    say,
    spoken,
)

_OVERALL: Mapping[str, Style] = {"all_pass": "good", "incomplete": "poor", "some_failed": "poor", "all_failed": "bad"}
_MARKS = {"pass": "✓", "fail": "✗"}
_TOLD = frozenset({"test", "status", "reason"})
_ROWS = {
    "families": "what is kept",
    "big_keys": "largest keys",
    "hot_keys": "most read keys",
    "invalidations": "canary invalidations",
}
_PLAIN_ROWS = {"latency_tests": "probes", "by_endpoint": "by endpoint"}


def performance_lines(found: JsonObject) -> Iterator[Line]:
    """Of `analyze_performance_metrics`."""
    results = object_at(found, "analysis_results")
    yield say("heading", f"{spoken(str(found['metric_type']))} of the last {_minutes(found['window_seconds'])}")
    assessment = object_at(results, "latency_summary").get("assessment_reason") if "latency_summary" in results else None
    if assessment:
        yield say("plain", f"requests: {assessment}")
    if summary := fields(results, frozenset({"note"})):
        yield say("plain", f"  {summary}")
    for member, called in _PLAIN_ROWS.items():
        for row in objects(results.get(member)):
            yield say("plain", f"  {called}: {fields(row)}")
    measured = list(figures("", {name: value for name, value in results.items() if name not in {"pictures", "trends"}}))
    yield from at_most(measured)
    if not measured:
        yield say("soft", "  nothing was measured")
    yield from blind_spots(found)


def cache_lines(found: JsonObject) -> Iterator[Line]:
    """Of `analyze_cache_coherence`."""
    analysis = object_at(found, "cache_coherence_analysis")
    advice = objects(found["recommendations"])
    read = bool(analysis.get("families") or analysis.get("figures"))
    calm = say("good", "nothing stands out") if read else say("unsure", "nothing could be read")
    yield say("poor", "something stands out") if advice else calm
    for one in advice:
        yield say("heading", f"{one['message']}  ({one['severity']})")
        yield say("plain", f"  {one['action']}")
        yield from (evidence(sign, "+") for sign in objects(one.get("evidence")))
    yield say("plain", f"  {fields(analysis)}")
    yield from figures("", analysis)
    for member, called in _ROWS.items():
        rows = objects(analysis.get(member))
        if rows:
            yield say("heading", called)
            yield from at_most(say("plain", f"  {fields(row)}") for row in rows)
    events = objects(found["recent_coherence_events"])
    if events:
        yield say("heading", "recent invalidations")
        yield from at_most(say("plain", f"  {fields(one)}") for one in events)
    yield from blind_spots(found)


def engine_lines(found: JsonObject) -> Iterator[Line]:
    """Of `test_ai_engine_integration`."""
    overall = str(found["overall_status"])
    yield say(_OVERALL.get(overall, "unsure"), f"{spoken(overall)}  ({found['pass_rate']})")
    for test in objects(found["tests_performed"]):
        facts = fields(test, _TOLD)
        yield say("plain", f"{_MARKS.get(str(test['status']), '·')} {spoken(str(test['test']))}{f'  ({facts})' if facts else ''}")
        if test.get("reason"):
            yield say("plain" if test["status"] == "fail" else "blind", f"    {test['reason']}")


def _minutes(seconds: object) -> str:
    if not isinstance(seconds, int | float):
        return "moments"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
