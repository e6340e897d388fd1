"""What is plainly otherwise than usual, and that such a time does not become the measure of what is well."""

from collections.abc import Callable

import pytest
from tests.unit.diagnostics.causes.looks import Looks, healthy
from tests.unit.diagnostics.causes.test_one_way import slowed, small

from mcp_gateway.diagnostics.departures import departures, told_by


def failing(looks: Looks) -> None:
    looks.count("gateway.responses_total", 0, 200, route="chat", status="500")


def refusing(looks: Looks) -> None:
    looks.count("gateway.limit_decisions_total", 0, 400, outcome="refused", decided_by="store", tenant="a")


def missing(looks: Looks) -> None:
    looks.count("gateway.cache_reads_total", 500, 50, cache="lists", tenant="a", outcome="near_hit")
    looks.count("gateway.cache_reads_total", 60, 500, cache="lists", tenant="a", outcome="miss")


def slowing(looks: Looks) -> None:
    looks.timed("gateway.request_ms", 80, 400, route="chat", status="200")


@pytest.mark.parametrize(
    ("change", "words"),
    [(failing, "failures"), (refusing, "refused"), (missing, "the cache lists"), (slowing, "chat takes")],
)  # fmt: skip
def test_what_those_who_are_served_notice_is_told_with_its_evidence(change: Callable[[Looks], None], words: str) -> None:
    looks = healthy()
    change(looks)
    found = departures(looks.window())
    assert words in told_by(found, looks.window())
    assert all(one.evidence for one in found)


def test_a_system_as_usual_departs_from_nothing() -> None:
    for looks in (healthy(), small()):
        assert departures(looks.window()) == ()
    few = small().timed("gateway.request_ms", 7, 70, times=12, route="products.get", status="200")
    assert departures(few.window()) == ()


def test_a_machine_that_is_short_of_time_is_said_to_be() -> None:
    window = slowed(small()).timed("gateway.loop_lag_ms", 2, 90, times=3_000).window()
    said = told_by(departures(window), window)
    assert "short of processor time" in said
    assert "a call to products takes" in said


def waiting(looks: Looks, usual: float, now: float, name: str = "gateway.machine_waited_seconds_total") -> Looks:
    """Seconds of a minute."""
    return looks.count(name, usual, now, replica="one:1")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gateway.machine_waited_seconds_total", "somebody there waits for a processor"),
        ("gateway.held_back_seconds_total", "a limit keeps the gateway from running"),
    ],
)
def test_why_a_machine_is_short_is_told_with_what_is_usual(name: str, words: str) -> None:
    window = waiting(slowed(small()), 6, 54, name).window()
    found = departures(window)
    assert (found[0].part, found[0].evidence[0].name) == ("machine", name)
    assert found[0].evidence[0].value == pytest.approx(0.9)
    assert found[0].evidence[0].baseline == pytest.approx(0.1)
    said = told_by(found, window)
    assert f"the machine is short of processor time (90% of the time {words}, 10% is usual)" in said
    assert "a call to products takes" in said


def test_of_the_machine_nothing_is_said_that_was_not_read_or_is_usual_or_harms_nobody() -> None:
    for looks in (slowed(small()), waiting(slowed(small()), 50, 54), waiting(slowed(small()), 1, 12)):
        assert {one.part for one in departures(looks.window())} == {"gateway"}
    assert departures(waiting(small(), 6, 54).window()) == ()
