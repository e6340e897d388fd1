"""A stretch of time over one or two periods: since March · before 2020 · from March to June 2025 · between 2020 and 2022 ·
until the end of last month · more than 6 months ago."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias

from mcp_gateway.ask.engine.date_calendar import Moment, step
from mcp_gateway.ask.engine.date_periods import Found, is_month, read_absolute, year_at
from mcp_gateway.ask.engine.date_relative import read_ago, read_relative
from mcp_gateway.ask.engine.date_tokens import MONTHS, Period, Words, cut
from mcp_gateway.ask.engine.form import Unit


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A half-open range with open sides, before it gets its words."""

    start: Moment | None
    end: Moment | None
    grain: Unit
    weak: bool = False
    rolling: bool = False
    others: tuple[tuple[Moment | None, Moment | None], ...] = ()


FoundSpan: TypeAlias = tuple[Span, int] | None

_TO = ("to", "until", "till", "through", "thru", "up to", "-", "–", "—", "and up to", "to the", "through to")
_SINCE = (
    "since", "starting from", "starting in", "starting on", "starting", "beginning in", "on or after", "no earlier than",
    "not before", "from and after",
    "as from", "ever since",
)  # fmt: skip
_AFTER = ("after", "later than", "following")
_BEFORE = ("before", "prior to", "earlier than", "preceding", "up until", "older than")
_UNTIL = (
    "until the end of", "till the end of", "by the end of", "up to the end of", "through the end of", "until", "till",
    "up to and including", "up to", "through",
    "no later than", "not later than", "on or before", "not after", "as late as",
)  # fmt: skip


def read_period(words: Words, index: int) -> Found:
    """One period at `index`; "the start of X" and "the end of X" are left to the openers."""
    found = [result for result in (read_relative(words, index), read_absolute(words, index)) if result is not None]
    return max(found, key=lambda result: result[1], default=None)


def read_span(words: Words, index: int) -> FoundSpan:
    """The longest stretch of time that begins at `index`, with the index after it."""
    found = [result for rule in _RULES if (result := rule(words, index)) is not None]
    return max(found, key=lambda result: result[1], default=None)


def _plain(words: Words, index: int) -> FoundSpan:
    found = read_period(words, index)
    if found is None:
        return None
    period, after = found
    onwards = words.says(
        after, "onwards", "onward", "on", "and later", "and after", "or later", "and newer", "or newer", "forward"
    )
    if onwards and (words.low(after) != "on" or words.low(index - 1) == "from"):
        return Span(start=period.start, end=None, grain=period.grain), after + onwards
    sooner = words.says(after, "and earlier", "or earlier", "and before", "or before", "and older", "or older")
    if sooner:
        return Span(start=None, end=period.end, grain=period.grain), after + sooner
    return _whole(period), after


def _whole(period: Period) -> Span:
    return Span(
        start=period.start, end=period.end, grain=period.grain, weak=period.weak, rolling=period.rolling, others=period.others
    )  # fmt: skip


def _two_ends(words: Words, index: int) -> FoundSpan:
    """From X to Y · between X and Y · X to Y: from the start of X to the end of Y."""
    between = words.says(index, "between", "in between")
    opener = between or words.says(index, "from")
    first = _end_point(words, index + opener)
    if first is None:
        return _day_pair(words, index + opener) if opener else None
    left, at = first
    taken = words.says(at, "and", "-", "–") if between else words.says(at, *_TO)
    present = words.says(at + taken, "now", "the present", "present", "date") if taken else 0
    if present and (opener or words.low(at + taken) == "date"):
        return Span(start=left.start, end=None, grain=left.grain), at + taken + present
    second = _end_point(words, at + taken) if taken else None
    if second is None:
        return _shared_month(words, index + opener)
    right, after = second
    left, right = _agree(words, left, right)
    if left.start.isoformat() >= right.end.isoformat():
        return None
    return Span(start=left.start, end=right.end, grain=right.grain, weak=left.weak and right.weak and not opener), after


def _end_point(words: Words, index: int) -> Found:
    found = read_period(words, index)
    if found is not None:
        return found
    year = year_at(words, index)
    if year is not None and 1900 <= year <= 2100 and words.at(index + 1).kind != "word":
        return Period(start=date(year, 1, 1), end=date(year + 1, 1, 1), grain="year", weak=True), index + 1
    if words.low(index) in MONTHS and (
        words.low(index - 1) in ("from", "between", "to", "and", "-", "–", "until", "through") or is_month(words, index)
    ):
        return read_absolute(words, index)
    return None


def _agree(words: Words, left: Period, right: Period) -> tuple[Period, Period]:
    """A side without a year takes the other's; when both are without, the latest stretch that has begun is meant."""
    if left.month_only is None and right.month_only is None:
        return left, right
    if left.month_only is not None and right.month_only is None and not isinstance(right.start, datetime):
        left = left.in_year(right.start.year)
        return (left if left.start <= right.start else left.in_year(right.start.year - 1)), right
    if left.month_only is None:
        if isinstance(left.start, datetime):
            return left, right
        right = right.in_year(left.start.year)
        return left, (right if left.start <= right.start else right.in_year(left.start.year + 1))
    right = right.in_year(right.start.year)
    left = left.in_year(right.start.year)
    return (left if left.start <= right.start else left.in_year(right.start.year - 1)), right


def _shared_month(words: Words, index: int) -> FoundSpan:
    """March 5-12, 2025 · March 5 to 12."""
    if words.low(index) not in MONTHS:
        return None
    taken = words.says(index + 2, *_TO)
    if not taken:
        return None
    return _days_in_month(words, index + 1, index + 2 + taken, index + 3 + taken, words.at(index).text)


def _day_pair(words: Words, index: int) -> FoundSpan:
    """From the 5th to 12 March 2025."""
    start = index + 1 if words.low(index) == "the" else index
    taken = words.says(start + 1, *_TO, "and")
    if not taken or words.at(start).kind not in ("number", "ordinal"):
        return None
    found = read_absolute(words, start + 1 + taken)
    if found is None or found[0].grain != "day":
        return None
    period, after = found
    day = int("".join(letter for letter in words.low(start) if letter.isdigit()) or 0)
    if isinstance(period.start, datetime) or not 1 <= day <= period.start.day:
        return None
    return Span(start=period.start.replace(day=day), end=period.end, grain="day"), after


def _days_in_month(words: Words, first_at: int, second_at: int, year_at_index: int, month: str) -> FoundSpan:
    first, second = words.at(first_at), words.at(second_at)
    if first.kind not in ("number", "ordinal") or second.kind not in ("number", "ordinal"):
        return None
    comma = 1 if words.low(year_at_index) in (",", "of") else 0
    year = year_at(words, year_at_index + comma)
    tail = f" {year}" if year else ""
    ends = [read_absolute(_alone(words, f"{month} {word.text}{tail}"), 0) for word in (first, second)]
    if ends[0] is None or ends[1] is None or ends[0][0].grain != "day" or ends[1][0].grain != "day":
        return None
    after = year_at_index + comma + 1 if year else year_at_index
    return Span(start=ends[0][0].start, end=ends[1][0].end, grain="day"), after


def _alone(words: Words, text: str) -> Words:
    return cut(text, words.now, words.fiscal_start)


def _open_start(words: Words, index: int) -> FoundSpan:
    """Since X: from the start of X on. After X: from its end on."""
    taken = words.says(index, *_SINCE)
    if taken:
        return _from(words, index + taken, at_end=False)
    taken = words.says(index, *_AFTER)
    if taken:
        return _from(words, index + taken, at_end=True)
    return None


def _from(words: Words, index: int, *, at_end: bool) -> FoundSpan:
    if not at_end:
        edge = _edge(words, index)
        if edge is not None:
            return Span(start=edge[0], end=None, grain="day"), edge[1]
    ago = read_ago(words, index)
    if ago is not None:
        return Span(start=ago[0], end=None, grain="day"), ago[2]
    found = _period_or_edge(words, index)
    if found is None:
        return None
    period, after = found
    return Span(
        start=period.end if at_end else period.start,
        end=None,
        grain=period.grain,
        weak=period.weak and not at_end,
        others=_opened(period),
    ), after


def _opened(period: Period) -> tuple[tuple[Moment | None, Moment | None], ...]:
    return tuple((start, None) for start, _ in period.others)


def _open_end(words: Words, index: int) -> FoundSpan:
    """Before X: until its start. Until X: until its end."""
    taken = words.says(index, *_BEFORE)
    if taken:
        ago = read_ago(words, index + taken)
        if ago is not None:
            return Span(start=None, end=ago[0], grain="day"), ago[2]
        found = _period_or_edge(words, index + taken)
        if found is not None:
            period, after = found
            return Span(
                start=None, end=period.start, grain=period.grain, others=tuple((None, start) for start, _ in period.others)
            ), after
    for phrase in _UNTIL:
        taken = words.says(index, phrase)
        if not taken:
            continue
        edge = _edge(words, index + taken)
        if edge is not None:
            return Span(start=None, end=edge[0], grain="day"), edge[1]
        found = _end_point(words, index + taken)
        if found is not None:
            return Span(start=None, end=found[0].end, grain=found[0].grain), found[1]
    return None


def _period_or_edge(words: Words, index: int) -> Found:
    edge = _edge(words, index)
    if edge is not None:
        moment, after = edge
        return Period(start=moment, end=moment, grain="day"), after
    return _end_point(words, index)


def _edge(words: Words, index: int) -> tuple[Moment, int] | None:
    """The start of last year · the end of March."""
    for side, phrases in (
        ("start", ("the start of", "the beginning of", "start of", "beginning of")),
        ("end", ("the end of", "end of")),
    ):
        taken = words.says(index, *phrases)
        found = read_period(words, index + taken) if taken else None
        if found is None and taken and words.low(index + taken) == "the":
            found = read_period(_saying_this(words, index + taken), index + taken)
        if found is not None:
            return (found[0].start if side == "start" else found[0].end), found[1]
    return None


def _saying_this(words: Words, index: int) -> Words:
    """ "The start of the year" is the start of this year."""
    changed = list(words.words)
    changed[index] = type(changed[index])("this", "this", changed[index].start, changed[index].end, "word")
    return Words(question=words.question, words=tuple(changed), now=words.now, fiscal_start=words.fiscal_start)


def _distance(words: Words, index: int) -> FoundSpan:
    """More than 6 months ago · less than two weeks ago."""
    for phrases, older in (
        (("more than", "over", "longer than", "at least"), True),
        (("less than", "within", "fewer than", "under", "not more than", "no more than", "at most"), False),
    ):
        taken = words.says(index, *phrases)
        ago = read_ago(words, index + taken) if taken else None
        if ago is None:
            continue
        if older:
            return Span(start=None, end=ago[0], grain="day"), ago[2]
        end: Moment = words.tomorrow if ago[1] != "hour" else words.now.replace(tzinfo=None) + timedelta(seconds=1)
        return Span(start=ago[0], end=end, grain="day", rolling=True), ago[2]
    return None


def _start_or_end_of(words: Words, index: int) -> FoundSpan:
    """Early 2025 · late last year · at the end of March: the first or last third, which is a guess and says so."""
    which = {"early": 0, "mid": 1, "late": 2}.get(words.low(index))
    if which is None:
        return None
    found = read_period(words, index + 1)
    if found is None or found[0].grain != "year" or isinstance(found[0].start, datetime):
        return None
    start = step("month", found[0].start, 4 * which)
    return Span(start=start, end=step("month", start, 4), grain="month", weak=True), found[1]


_RULES: tuple[Callable[[Words, int], FoundSpan], ...] = (_plain, _two_ends, _open_start, _open_end, _distance, _start_or_end_of)
