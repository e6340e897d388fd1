"""Signals as facts for people and programs: value, unit, what is usual, and how the one compares with the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.causes.comparing import beyond_chance
from mcp_gateway.diagnostics.signals.catalogue import signal_of
from mcp_gateway.diagnostics.signals.window import Of, Window
from mcp_gateway.diagnostics.verdict import Evidence

Standing: TypeAlias = Literal["as_usual", "higher", "lower", "no_baseline", "too_few"]

# Between these ratios to what is usual a figure is as usual: figures of small machines move that much by themselves.
USUAL_LOW, USUAL_HIGH = 0.67, 1.5
# Fewer measurements than these have no percentile worth the name.
FEWEST = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """A figure beside what is usual; `count`: of how many measurements, None where that means nothing."""

    evidence: Evidence
    standing: Standing
    count: float | None = None

    def to_dict(self) -> dict[str, Json]:
        return {**self.evidence.to_dict(), "standing": self.standing, "measurements": self.count}


def fact(window: Window, name: str, *, of: Of = "figure", count: float | None = None, **labels: str) -> Fact | None:
    """None when it was not read."""
    evidence = window.evidence(name, of=of, **labels)
    if evidence is None:
        return None
    standing = standing_of(evidence.value, evidence.baseline, count)
    return Fact(evidence=evidence, standing=unless_chance(standing, window, name, evidence.value, evidence.baseline), count=count)


def facts(window: Window, names: Mapping[str, str], **labels: str) -> dict[str, Json]:
    """Those that were read, by the name a face gives them (`names`: that name to the signal's)."""
    found = {shown: fact(window, name, of="figure", count=None, **labels) for shown, name in names.items()}
    return {shown: one.to_dict() for shown, one in found.items() if one is not None}


def standing_of(value: Json, usual: Json, count: float | None = None) -> Standing:
    """How a number compares with the usual one."""
    if count is not None and count < FEWEST:
        return "too_few"
    if not isinstance(value, int | float) or not isinstance(usual, int | float):
        return "no_baseline"
    if value == usual or (usual and USUAL_LOW <= value / usual <= USUAL_HIGH):
        return "as_usual"
    return "higher" if value > usual else "lower"


def unless_chance(standing: Standing, window: Window, name: str, value: Json, usual: Json) -> Standing:
    """The same, but `as_usual` where two rates differ by no more than so few things vary by themselves."""
    signal = signal_of(name)
    if standing not in ("higher", "lower") or (signal.kind, signal.unit) != ("counter", "1"):
        return standing
    if not isinstance(value, int | float) or not isinstance(usual, int | float):
        return standing
    counted, expected = value * window.seconds, usual * window.seconds
    return standing if beyond_chance(counted, expected) or beyond_chance(expected, counted) else "as_usual"


def number(window: Window, name: str, digits: int = 4, **labels: str) -> float | None:
    """The figure alone, rounded, whole without digits; None when it was not read."""
    value = window.figure(name, **labels)
    return None if value is None else round(value, digits or None)
