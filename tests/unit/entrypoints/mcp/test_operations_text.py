"""Results of the operations tools in lines: what a person needs is there, and no name from outside does anything."""

import pytest
from tests.operations_results import HOSTILE, RESULTS, trouble

from mcp_gateway.access.policy.own_tools import OWN_TOOLS
from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.entrypoints.mcp.operations_text.lines import MOST_ITEMS, MOST_LETTERS, Line, fields, figures, say
from mcp_gateway.entrypoints.mcp.operations_text.tell import as_text, tell

SEEN = HOSTILE.encode("unicode_escape").decode()


def text_of(tool: str) -> str:
    return as_text(tell(tool, RESULTS[tool]))


def test_every_tool_has_its_words() -> None:
    assert set(RESULTS) == set(OWN_TOOLS["ops"])


@pytest.mark.parametrize("tool", RESULTS)
def test_no_name_moves_the_cursor_adds_a_line_or_hides(tool: str) -> None:
    for line in tell(tool, RESULTS[tool]):
        assert line.text.isprintable()
    assert "\nverdict: healthy" not in text_of(tool)


def test_a_cause_comes_with_its_evidence_and_what_speaks_against_it() -> None:
    lines = text_of("troubleshoot_production_issue").split("\n")

    assert lines[0] == "degraded  (confidence 92%)"
    assert f"{SEEN} asks for far more than its limit  (tenant_flood, 92%)" in lines
    sign = f"  + gateway.limit_refusals_total{{tenant={SEEN}}} = 41.25/s, usually 0.5/s  (gateway metrics, 03:04:05)"
    assert sign in lines
    assert "  - gateway.loop_lag_p99_ms = 3 ms, nothing to compare with  (gateway metrics, 03:04:05)" in lines
    assert "  engine_slow: The engine answers as fast as usual." in lines
    assert "not seen: Redis: No address is configured. Set REDIS_URL." in lines


@pytest.mark.parametrize("tool", ["troubleshoot_production_issue", "diagnose_gateway_health"])
def test_a_remedy_tells_risk_conditions_signal_and_undo(tool: str) -> None:
    text = text_of(tool)

    assert "(risk low, can be undone)" in text
    assert "(risk none, cannot be undone)" in text
    assert "   first: The rules now in force are kept." in text
    assert "   then watch: gateway.refused_share falls within 60 s" in text
    assert "   undo: Store the present rules again." in text


def test_a_command_never_holds_a_name_that_a_shell_would_obey() -> None:
    commands = [line.text for line in tell("troubleshoot_production_issue", trouble()) if line.style == "command"]

    assert commands
    assert not any("img" in command for command in commands)


def test_figures_stand_beside_what_they_are_compared_with() -> None:
    text = text_of("analyze_performance_metrics")

    assert "requests: slower than before" in text
    assert "  requests, p99: 84.2 ms (before 41 ms; usually 40 ms; higher than usual)" in text
    assert "12 ms (too few measurements to tell)" in text
    assert "<svg" not in text


def test_percentiles_of_one_thing_stand_in_one_line() -> None:
    found: JsonObject = {f"p{one}_ms": figure(float(one), previous=2.0 * one, standing="lower") for one in (50, 95, 99)}
    assert [one.text for one in figures("requests", found)] == [
        "  requests: p50 50, p95 95, p99 99 ms (before 100, 190, 198; lower than usual)"
    ]
    mixed: JsonObject = {**found, "p99_ms": figure(99.0, standing="as_usual")}
    assert [one.text for one in figures("requests", mixed)] == [
        "  requests: p50 50, p95 95, p99 99 ms (lower than usual, lower than usual, as usual)"
    ]


def test_a_name_does_not_repeat_its_unit_and_a_key_that_stays_says_so() -> None:
    assert fields({"key": "a", "ttl_seconds": -1, "memory_bytes": 1_024, "slowest_ms": 3.5}) == (
        "key a, never expires, memory 1.024 kB, slowest 3.5 ms"
    )
    assert fields({"ttl_seconds": 12.5}) == "ttl 12.5 s"
    (line,) = figures("", {"requests_per_second": figure(3.0, unit="1/s")})
    assert line.text == "  requests: 3/s (as usual)"


@pytest.mark.parametrize(("verdict", "word"), [("healthy", "healthy"), ("could_not_tell", "could not tell")])
def test_where_nothing_wrong_was_seen_it_says_how_much_of_what_might_be_was_ruled_out(verdict: str, word: str) -> None:
    well = {**trouble(), "verdict": verdict, "confidence": 0.69, "hypotheses": [], "diagnostics": [], "departures": []}
    assert as_text(tell("troubleshoot_production_issue", well)).startswith(f"{word}  (69% of known causes ruled out)\n")


def figure(value: float, *, previous: float | None = None, standing: str = "as_usual", unit: str | None = None) -> JsonObject:
    return {"value": value, "previous": previous, "unit": unit, "standing": standing}


def test_what_stands_out_in_a_cache_comes_first() -> None:
    lines = text_of("analyze_cache_coherence").split("\n")

    assert lines[0] == "something stands out"
    assert "1 of 2 members heard nothing.  (high)" in lines
    assert any("lost 1" in line for line in lines)


def test_a_test_that_was_skipped_is_neither_good_nor_bad() -> None:
    lines = text_of("test_ai_engine_integration").split("\n")

    assert lines[0] == "some failed  (1/2 (50.0%))"
    assert lines[1] == "✓ ai engine health  (response time 12.5 ms, status code 200)"
    assert "· cache integration" in lines


def test_files_that_were_made_are_there_whole() -> None:
    text = text_of("generate_enterprise_router")

    made = RESULTS["generate_enterprise_router"]
    for member in ("router_code", "test_code"):
        code = str(made[member])
        assert f"````\n{code}\n````" in text
    assert "src/backend/routers/products.py" in text


def test_a_finding_has_its_place_and_its_remedy() -> None:
    text = text_of("validate_enterprise_patterns")

    assert f"{SEEN}.py:4:1: nothing limits all  (high, rate-limit-missing)" in text
    assert '  Use `Guard("items.read")`.' in text
    assert "not read: broken.py: It is no Python." in text


def test_what_is_too_long_to_read_is_cut_and_said() -> None:
    issue: Json = {"file": "a.py", "line": 1, "column": 1, "issue": "x", "priority": "low", "rule": "r", "recommendation": "y"}
    many = {**RESULTS["validate_enterprise_patterns"], "issues_found": [issue] * 1000}

    text = as_text(tell("validate_enterprise_patterns", many))

    assert text.count("a.py:1:1") == MOST_ITEMS // 2
    assert f"… and {2000 - MOST_ITEMS:,} more lines in the JSON" in text
    assert say("plain", "x" * 10_000) == Line("plain", "x" * MOST_LETTERS + "…")


def test_where_no_router_is_nothing_is_said_of_how_good_they_are() -> None:
    found = {**RESULTS["validate_enterprise_patterns"]}
    found |= {"overall_compliance": "nothing_judged", "average_compliance_score": None, "files_validated": 0, "issues_found": []}
    assert as_text(tell("validate_enterprise_patterns", found)).split("\n")[:2] == ["nothing judged", "no router was found"]
