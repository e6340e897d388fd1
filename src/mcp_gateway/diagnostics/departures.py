"""What plainly departs from the usual, whichever cause there is: what those who are served would notice.

Beside the causes, not instead of them: without a cause it says that something is wrong and what, and keeps such a time from
becoming the measure of what is well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from mcp_gateway.diagnostics.causes.comparing import beyond_chance, slower
from mcp_gateway.diagnostics.causes.machine import HELD_BACK, short_of_processor, starved
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Evidence

# A percentile of fewer measurements, here or when all was well, is no objective.
FEWEST = 20.0
# By how much a percentile must exceed what is usual: the higher one varies more by itself.
SLOWER: Mapping[int, float] = {50: 2.0, 95: 3.0}
# Of shares: so many times what is usual, and so much more.
TIMES, MORE = 2.0, 0.05
FEWER_HITS = 0.67
RESPONSES, DECISIONS, READS = "gateway.responses_total", "gateway.limit_decisions_total", "gateway.cache_reads_total"


@dataclass(frozen=True, kw_only=True, slots=True)
class Departure:
    """`says`: a clause for a person, of what is how much otherwise. Of the machine it is told first, for the rest may follow."""

    says: str
    evidence: tuple[Evidence, ...]
    part: Literal["gateway", "machine"] = "gateway"


def departures(window: Window) -> tuple[Departure, ...]:
    """Times of routes and upstreams, failures, refusals and hits, each beyond what chance explains. Empty: all is as usual.

    A machine that is short of processor time while all is as usual departs from nothing.
    """
    found = (
        *_slower(window, "gateway.request", "route"),
        *_slower(window, "upstream.call", "upstream"),
        *_failing(window),
        *_refusing(window),
        *_missing(window),
    )
    return (*_short(window), *found) if found else ()


def told_by(found: tuple[Departure, ...], window: Window) -> str:
    """As a sentence; empty when nothing departs."""
    if not found:
        return ""
    said = "; ".join([one.says for one in found if one.part == "gateway"][:3])
    if found[0].part == "machine":
        return f"Otherwise than usual while {found[0].says}: {said}."
    late = " The gateway does not get to run in time: it, or its machine, is short of processor time." if _late(window) else ""
    return f"Otherwise than usual, and the cause was not found: {said}.{late}"


def _short(window: Window) -> Iterator[Departure]:
    evidence = short_of_processor(window)
    if evidence is not None and isinstance(evidence.value, float) and isinstance(evidence.baseline, float):
        held = evidence.name == HELD_BACK
        what = "a limit keeps the gateway from running" if held else "somebody there waits for a processor"
        shares = f"{evidence.value:.0%} of the time {what}, {evidence.baseline:.0%} is usual"
        yield Departure(says=f"the machine is short of processor time ({shares})", evidence=(evidence,), part="machine")


def _late(window: Window) -> bool:
    return bool(starved(window) or slower(window, "gateway.loop_lag_p95_ms", factor=2))


def _slower(window: Window, stem: str, label: str) -> Iterator[Departure]:
    for name in window.labels(f"{stem}_ms", label):
        wanted = {label: name}
        now, usual = window.histogram(f"{stem}_ms", **wanted), window.usual_histogram(f"{stem}_ms", **wanted)
        if now is None or usual is None or min(now.count, usual.count) < FEWEST:
            continue
        for percent, factor in SLOWER.items():
            value, before = now.quantile(percent / 100), usual.quantile(percent / 100)
            above, expected = now.share_above(before or 0.0), usual.share_above(before or 0.0)
            if not (value and before and value > factor * before) or above is None or expected is None:
                continue
            if beyond_chance(above * now.count, expected * now.count):
                called = name if label == "route" else f"a call to {name}"
                says = f"{called} takes {value / before:.1f} times as long ({percent}th percentile)"
                yield Departure(says=says, evidence=window.evidences(f"{stem}_p{percent}_ms", of="figure", **wanted))
                break


def _failing(window: Window) -> Iterator[Departure]:
    failed = [one for one in window.labels(RESPONSES, "status") if one.startswith("5")]
    shares = _shares(window, RESPONSES, "status", failed)
    if shares is not None and _larger(*shares):
        says = f"{shares[0]:.0%} of responses are failures, where {shares[1]:.0%} is usual"
        yield Departure(says=says, evidence=tuple(one for code in failed for one in window.evidences(RESPONSES, status=code)))


def _refusing(window: Window) -> Iterator[Departure]:
    shares = _shares(window, DECISIONS, "outcome", ["refused"])
    if shares is not None and _larger(*shares):
        says = f"{shares[0]:.0%} of requests are refused, where {shares[1]:.0%} is usual"
        yield Departure(says=says, evidence=window.evidences("gateway.refused_share"))


def _missing(window: Window) -> Iterator[Departure]:
    for cache in window.labels(READS, "cache"):
        now, usual = (told("gateway.cache_hit_share", cache=cache) for told in (window.value, window.baseline))
        reads = window.change(READS, cache=cache) or 0.0
        if now is None or usual is None or reads < FEWEST or now > FEWER_HITS * usual:
            continue
        if beyond_chance((1 - now) * reads, (1 - usual) * reads):
            says = f"the cache {cache} answers {now:.0%} of its reads, where {usual:.0%} is usual"
            yield Departure(says=says, evidence=window.evidences("gateway.cache_hit_share", cache=cache))


def _shares(window: Window, name: str, label: str, parts: list[str]) -> tuple[float, float, float] | None:
    """The parts of the whole now, when all was well, and how many there are now; None when either is not known."""
    whole, before = window.change(name), window.baseline(name, of="change")
    if not whole or not before or whole < FEWEST:
        return None
    now = sum(window.change(name, **{label: part}) or 0.0 for part in parts)
    usual = sum(window.baseline(name, of="change", **{label: part}) or 0.0 for part in parts)
    return now / whole, usual / before, whole


def _larger(now: float, usual: float, whole: float) -> bool:
    return now > TIMES * usual + MORE and beyond_chance(now * whole, usual * whole)
