"""Time in a question: which stretches of time it names, by which unit it wants its figures, and what it compares with what.

A grammar of our own over the text, with "now" injected. Everything is half open, [start, end). It reads words as dates only
in a date's company ("may", "march" and a bare 2000 usually mean something else), and says when a date can be read two ways.
It does not know which column a date is about.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

from mcp_gateway.ask.engine.date_calendar import Moment
from mcp_gateway.ask.engine.date_phrases import phrase_of
from mcp_gateway.ask.engine.date_spans import Span, read_period, read_span
from mcp_gateway.ask.engine.date_tokens import UNITS, Words, cut
from mcp_gateway.ask.engine.form import Unit

_ADVERBS: dict[str, Unit] = {
    "daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year", "annually": "year",
    "annual": "year",
    "hourly": "hour",
}  # fmt: skip
_OVER = {"yoy": "year", "qoq": "quarter", "mom": "month", "wow": "week"}
_VERSUS = (
    "vs .", "vs", "versus", "compared to", "compared with", "compared against", "compare to", "compare with", "comparing to",
    "in comparison to",
    "in comparison with", "relative to", "against", "than in", "than on", "than",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeRange:
    """`start` <= moment < `end`; None leaves that side open. Moments are wall-clock times of the zone of "now".

    `grain` is the unit it was said in. `phrase` is the range in words with its preposition ("in October 2026").
    """

    start: Moment | None
    end: Moment | None
    grain: Unit
    phrase: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DateMention:
    """question[start:end] names a stretch of time. `ranges` has more than one entry when it can be read so, likeliest first.

    `strong` False: it may be no date at all (a bare 2024, "early 2025", "last summer"). `rolling`: it ends with today.
    """

    start: int
    end: int
    ranges: tuple[TimeRange, ...]
    strong: bool = True
    rolling: bool = False

    @property
    def range(self) -> TimeRange:
        return self.ranges[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class GrainMention:
    """question[start:end] asks for figures by a unit of time: by month, weekly, each year, over time.

    `unit` None: by time, in whatever unit fits. `style` "which": "in which month ..." asks for the unit itself.
    `plain`: said with "by", "per", "each" and the like; otherwise ("monthly") it may belong to a column's name.
    """

    start: int
    end: int
    unit: Unit | None
    style: Literal["each", "which"] = "each"
    plain: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparisonMention:
    """question[start:end] sets the asked period beside another: vs last year, compared with the previous month, year over year.

    `against` is the other period when it is named by itself. `shift` is the unit to go back by ("same month last year" is a
    year); None: by the length of the asked period ("the previous period").
    """

    start: int
    end: int
    shift: Unit | None
    against: TimeRange | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeWords:
    """All of a question's time, each kind in order of appearance. No two mentions overlap."""

    dates: tuple[DateMention, ...] = ()
    grains: tuple[GrainMention, ...] = ()
    comparisons: tuple[ComparisonMention, ...] = ()


# A question is read for its times by several steps of the engine, each time with the same clock.
@lru_cache(maxsize=32)
def find_time(question: str, now: datetime, *, fiscal_year_start: int = 1) -> TimeWords:
    """Everything in the question that speaks of time. `fiscal_year_start` is a month, 1-12; a fiscal year is called by the
    calendar year it ends in."""
    words = cut(question, now, fiscal_year_start)
    dates: list[DateMention] = []
    grains: list[GrainMention] = []
    comparisons: list[ComparisonMention] = []
    index = 0
    while index < len(words.words):
        comparison = _read_comparison(words, index)
        grain = _read_grain(words, index)
        span = read_span(words, index)
        after = max((found[1] for found in (comparison, grain, span) if found is not None), default=index + 1)
        if comparison is not None and comparison[1] == after:
            comparisons.append(comparison[0])
        elif grain is not None and grain[1] == after:
            grains.append(grain[0])
        elif span is not None:
            dates.append(_mention(words, index, span[0], after))
        index = after
    return TimeWords(dates=tuple(dates), grains=tuple(grains), comparisons=tuple(comparisons))


def _mention(words: Words, index: int, span: Span, after: int) -> DateMention:
    pairs = ((span.start, span.end), *span.others)
    return DateMention(
        start=words.at(index).start,
        end=words.at(after - 1).end,
        ranges=tuple(TimeRange(start=start, end=end, grain=span.grain, phrase=phrase_of(start, end)) for start, end in pairs),
        strong=not span.weak,
        rolling=span.rolling,
    )


def _read_grain(words: Words, index: int) -> tuple[GrainMention, int] | None:
    for reader in (_unit_by_unit, _by_unit, _adverb, _which_unit, _over_time):
        found = reader(words, index)
        if found is not None:
            unit, style, plain, after = found
            mention = GrainMention(start=words.at(index).start, end=words.at(after - 1).end, unit=unit, style=style, plain=plain)
            return mention, after
    return None


_Grain = tuple[Unit | None, Literal["each", "which"], bool, int] | None


def _by_unit(words: Words, index: int) -> _Grain:
    """By month · per quarter · for each year · every week · by year and month."""
    taken = words.says(index, "for each", "for every", "in each", "in every", "by each", "by", "per", "each", "every", "across")
    at = index + taken
    if not taken:
        return None
    if words.says(at, "of the last", "of the past", "of the next", "one of the last", "one of the past"):
        found = read_period(words, at + 1 if words.low(at) == "of" else at + 2)
        unit = UNITS.get(words.low(found[1] - 1)) if found else None
        return (unit, "each", True, at + 1) if unit else None
    at += 1 if words.low(at) in ("the", "calendar", "fiscal", "single") else 0
    unit = UNITS.get(words.low(at))
    if (
        unit is None
        or (words.low(at).endswith("s") and words.low(index) != "across")
        or words.says(at + 1, "of the week", "of week", "of birth")
    ):
        return None
    if words.low(at + 1) in ("and", ",") and words.low(at + 2) in UNITS:
        finest = min((unit, UNITS[words.low(at + 2)]), key=("hour", "day", "week", "month", "quarter", "year").index)
        return finest, "each", True, at + 3
    at += words.says(at + 1, "of the year", "of year")
    return unit, "each", True, at + 1


def _unit_by_unit(words: Words, index: int) -> _Grain:
    unit = UNITS.get(words.low(index))
    if unit and words.low(index + 1) in ("by", "after") and UNITS.get(words.low(index + 2)) == unit:
        return unit, "each", True, index + 3
    return None


def _adverb(words: Words, index: int) -> _Grain:
    unit = _ADVERBS.get(words.low(index))
    taken = words.says(index + 1, "basis") if unit else 0
    return (unit, "each", False, index + 1 + taken) if unit else None


def _which_unit(words: Words, index: int) -> _Grain:
    """In which month · what year."""
    at = index + words.says(index, "in", "on", "during")
    unit = UNITS.get(words.low(at + 1))
    if unit is None or words.low(at) not in ("which", "what") or words.says(at + 2, "of the week", "of week"):
        return None
    return unit, "which", True, at + 2


def _over_time(words: Words, index: int) -> _Grain:
    taken = words.says(index, "over time", "across time", "through time", "over the years", "over the months", "over the weeks")
    if not taken:
        return None
    unit = {"years": UNITS["year"], "months": UNITS["month"], "weeks": UNITS["week"]}.get(words.low(index + taken - 1))
    return unit, "each", True, index + taken


def _read_comparison(words: Words, index: int) -> tuple[ComparisonMention, int] | None:
    start = words.at(index).start
    unit = UNITS.get(words.low(index))
    if unit and words.low(index + 1) in ("over", "on") and UNITS.get(words.low(index + 2)) == unit:
        return ComparisonMention(start=start, end=words.at(index + 2).end, shift=unit), index + 3
    if words.low(index) in _OVER and (words.low(index) != "mom" or words.at(index).text == "MoM"):
        return ComparisonMention(start=start, end=words.at(index).end, shift=UNITS[_OVER[words.low(index)]]), index + 1
    taken = words.says(index, *_VERSUS)
    shifted = _read_shift(words, index + taken) or (_read_unit_before(words, index + taken) if taken else None)
    if shifted is not None and (taken or words.low(index) in ("same", "the")):
        shift, after = shifted
        return ComparisonMention(start=start, end=words.at(after - 1).end, shift=shift), after
    if not taken:
        return None
    found = read_period(words, index + taken)
    if found is None or (words.low(index) == "than" and found[0].weak):
        return None
    period, after = found
    against = TimeRange(start=period.start, end=period.end, grain=period.grain, phrase=phrase_of(period.start, period.end))
    return ComparisonMention(start=start, end=words.at(after - 1).end, shift=period.grain, against=against), after


def _read_unit_before(words: Words, index: int) -> tuple[Unit, int] | None:
    """The previous month: the one before the month asked about, whichever that is."""
    at = index + 1 if words.low(index) == "the" else index
    unit = UNITS.get(words.low(at + 1))
    if unit is None or words.low(at) not in ("previous", "prior", "preceding"):
        return None
    return unit, at + 2


def _read_shift(words: Words, index: int) -> tuple[Unit | None, int] | None:
    """(the) previous period · the same month last year · the month before."""
    at = index + 1 if words.low(index) == "the" else index
    if words.low(at) in ("previous", "prior", "preceding", "last", "earlier") and words.low(at + 1) in ("period", "one"):
        return None, at + 2
    if words.low(at) == "period" and words.low(at + 1) == "before":
        return None, at + 2
    if words.low(at) in UNITS and words.low(at + 1) in ("before", "earlier", "prior") and words.low(at + 2) not in UNITS:
        return UNITS[words.low(at)], at + 2
    if words.low(at) in ("same", "this") and (words.low(at + 1) in ("period", "time", "point") or words.low(at + 1) in UNITS):
        after = at + 2
        after += 1 if words.low(after) in ("of", "in", "a") else 0
        after += 1 if words.low(after) == "the" else 0
        unit = UNITS.get(words.low(after + 1))
        if words.low(after) in ("last", "previous", "prior", "past") and unit:
            return unit, after + 2
        if words.low(after - 1) == "a" and words.low(after) == "year" and words.low(after + 1) in ("ago", "earlier"):
            return UNITS["year"], after + 2
    return None
