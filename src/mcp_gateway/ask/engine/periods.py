"""The times a question names, by the token they begin at, as the grammar wants them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mcp_gateway.ask.engine.cycles import find_cycles, find_days
from mcp_gateway.ask.engine.dates import find_time
from mcp_gateway.ask.engine.form import Part, Unit
from mcp_gateway.ask.engine.text import Token


@dataclass(frozen=True, slots=True)
class FoundPeriod:
    """tokens[start:end] mean `first` <= moment < `last` (ISO); None is open. `strong` False: it may be a plain number."""

    start: int
    end: int
    first: str | None
    last: str | None
    name: str
    strong: bool = True
    first_texts: tuple[tuple[str, str], ...] = ()
    last_texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FoundUnit:
    """tokens[start:end] ask for figures by a unit of time, or by a `part` that comes round again. `asked`: "in which month"."""

    start: int
    end: int
    unit: Unit
    asked: bool
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class FoundDays:
    """tokens[start:end] mean these days of the week, by name."""

    start: int
    end: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """Everything about time in a question."""

    periods: dict[int, tuple[FoundPeriod, ...]]
    units: dict[int, FoundUnit]
    days: dict[int, FoundDays] = field(default_factory=dict)


def times_in(question: str, tokens: Sequence[Token], now: datetime) -> Times:
    """The periods and units of time in a question."""
    words = find_time(question, now)
    periods: dict[int, tuple[FoundPeriod, ...]] = {}
    for mention in words.dates:
        span = _span(tokens, mention.start, mention.end)
        if span is None:
            continue
        first, last = mention.range.start, mention.range.end
        period = FoundPeriod(
            span[0],
            span[1],
            first.isoformat() if first else None,
            last.isoformat() if last else None,
            mention.range.phrase,
            mention.strong,
        )
        periods[span[0]] = (*periods.get(span[0], ()), period)
    units: dict[int, FoundUnit] = {}
    for grain in words.grains:
        span = _span(tokens, grain.start, grain.end)
        if span is not None and grain.unit is not None:
            units[span[0]] = FoundUnit(span[0], span[1], grain.unit, grain.style == "which")
    for cycle in find_cycles(question):
        span = _span(tokens, cycle.start, cycle.end)
        if span is not None:
            for place in range(*span):
                units.pop(place, None)
                periods.pop(place, None)
            units[span[0]] = FoundUnit(span[0], span[1], "day", False, cycle.part)
    days: dict[int, FoundDays] = {}
    named = find_days(question)
    span = _span(tokens, named.start, named.end) if named is not None else None
    if named is not None and span is not None:
        for place in range(*span):
            units.pop(place, None)
            periods.pop(place, None)
        days[span[0]] = FoundDays(span[0], span[1], named.days)
    return Times(periods, units, days)


def _span(tokens: Sequence[Token], start: int, end: int) -> tuple[int, int] | None:
    """The tokens a stretch of the question covers."""
    inside = [n for n, token in enumerate(tokens) if token.start < end and token.end > start]
    return (inside[0], inside[-1] + 1) if inside else None
