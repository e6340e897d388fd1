"""One period of time, named from today: yesterday · this month · last Friday · the last 30 days · 2 weeks ago · year to date."""

from datetime import date, timedelta

from mcp_gateway.ask.engine.date_calendar import Moment, start_of, step
from mcp_gateway.ask.engine.date_periods import Found, fiscal_year
from mcp_gateway.ask.engine.date_tokens import MONTHS, UNITS, WEEKDAYS, Period, Words
from mcp_gateway.ask.engine.form import Unit
from mcp_gateway.ask.engine.number_words import small_number

_THIS = frozenset("this current present ongoing".split())
_LAST = frozenset("last past previous preceding prior".split())
_NEXT = frozenset("next coming following upcoming".split())
_SO_FAR = {
    "ytd": "year", "year to date": "year", "qtd": "quarter", "quarter to date": "quarter", "mtd": "month",
    "month to date": "month",
    "wtd": "week", "week to date": "week",
}  # fmt: skip
_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1, "day before yesterday": -2, "day after tomorrow": 2}
_VAGUE = {"few": 3, "couple": 2}


def read_relative(words: Words, index: int) -> Found:
    """The longest relative period that begins at `index`, with the index after it."""
    found = [result for rule in _RULES if (result := rule(words, index)) is not None]
    return max(found, key=lambda result: result[1], default=None)


def read_ago(words: Words, index: int) -> tuple[Moment, Unit, int] | None:
    """The moment "3 months ago" is exactly, its unit, and the index after it."""
    start = index + 1 if words.low(index) in ("about", "around", "exactly") else index
    count, after = _count(words, start)
    unit = UNITS.get(words.low(after))
    if count is None or unit is None or words.low(after + 1) not in ("ago", "back", "earlier"):
        return None
    if unit == "hour":
        return words.now.replace(tzinfo=None, minute=0, second=0, microsecond=0) - timedelta(hours=count), unit, after + 2
    return step(unit, words.today, -count), unit, after + 2


def _named_day(words: Words, index: int) -> Found:
    for name, offset in _DAYS.items():
        taken = words.says(index, name, f"the {name}")
        if taken:
            day = words.today + timedelta(days=offset)
            return _period(day, day + timedelta(days=1), "day"), index + taken
    return None


def _so_far(words: Words, index: int) -> Found:
    """Year to date · YTD · so far this year · this year so far · earlier this month."""
    for phrase, unit_name in _SO_FAR.items():
        taken = words.says(index, phrase, f"the {phrase}")
        if taken:
            return _to_date(words, UNITS[unit_name]), index + taken
    opener = words.says(index, "so far", "earlier")
    start = index + opener
    unit = UNITS.get(words.low(start + 1))
    if unit is None or words.low(start) not in _THIS:
        return None
    closer = words.says(start + 2, "so far", "to date", "until now", "up to now")
    if not opener and not closer:
        return None
    return _to_date(words, unit), start + 2 + closer


def _to_date(words: Words, unit: Unit) -> Period:
    return Period(start=start_of(unit, words.today), end=words.tomorrow, grain="day", rolling=True)


def _unit(words: Words, index: int) -> Found:
    """This, last or next unit. "The past week" and "over the last year" end today; "last week" is the calendar's."""
    start = index + 1 if words.low(index) == "the" else index
    which, at = words.low(start), start + 1
    if which not in _THIS | _LAST | _NEXT:
        return None
    fiscal = words.low(at) in ("fiscal", "financial")
    full = words.low(at) in ("full", "complete", "whole", "calendar", "entire")
    at += 1 if fiscal or full else 0
    unit = UNITS.get(words.low(at))
    if unit is None or words.low(at).endswith("s"):
        return None
    if unit == "hour":
        return (_rolling(words, unit, 1), at + 1) if which in _LAST else None
    within = (
        start > index
        and words.low(index - 1) in ("over", "within", "in", "during", "for")
        and which == "last"
        and unit != "quarter"
    )
    if (which == "past" or within) and not full and not fiscal:
        return _rolling(words, unit, 1), at + 1
    offset = 0 if which in _THIS else -1 if which in _LAST else 1
    begin = _fiscal_start(words, unit) if fiscal else start_of(unit, words.today)
    begin = step(unit, begin, offset)
    return _period(begin, step(unit, begin, 1), unit), at + 1


def _fiscal_start(words: Words, unit: Unit) -> date:
    start = fiscal_year(words, words.today.year)[0]
    if step("year", start, 1) <= words.today:
        start = step("year", start, 1)
    if start > words.today:
        start = step("year", start, -1)
    while unit == "quarter" and step("quarter", start, 1) <= words.today:
        start = step("quarter", start, 1)
    return start


def _last_many(words: Words, index: int) -> Found:
    """The last 30 days · past two weeks · next 3 months · the last 2 full quarters. Full units end where this one began."""
    start = index + 1 if words.low(index) == "the" else index
    which = words.low(start)
    count, at = _count(words, start + 1)
    if which not in _LAST | _NEXT or count is None or words.low(start + 1) in ("a", "an"):
        return None
    full = words.low(at) in ("full", "complete", "whole", "calendar", "completed")
    at += 1 if full else 0
    unit = UNITS.get(words.low(at))
    if unit is None or count > 9999:
        return None
    if full and unit != "hour":
        end = start_of(unit, words.today) if which in _LAST else step(unit, start_of(unit, words.today), 1 + count)
        return _period(step(unit, end, -count), end, unit), at + 1
    if which in _NEXT:
        return Period(start=words.tomorrow, end=step(unit, words.tomorrow, count), grain="day", rolling=True), at + 1
    return _rolling(words, unit, count), at + 1


def _rolling(words: Words, unit: Unit, count: int) -> Period:
    """From the same day so many units back to the end of today; hours end now."""
    if unit == "hour":
        now = words.now.replace(tzinfo=None, microsecond=0)
        return Period(start=now - timedelta(hours=count), end=now, grain="hour", rolling=True)
    return Period(start=step(unit, words.today, -count), end=words.tomorrow, grain="day", rolling=True)


def _ago(words: Words, index: int) -> Found:
    """Two months ago is that whole month."""
    found = read_ago(words, index)
    if found is None:
        return None
    moment, unit, after = found
    if unit == "hour":
        return Period(start=moment, end=moment + timedelta(hours=1), grain="hour"), after
    begin = start_of(unit, moment)
    return _period(begin, step(unit, begin, 1), unit), after


def _weekday(words: Words, index: int) -> Found:
    """Last Friday · on Friday · this Monday · next Tuesday. Bare ones are the latest gone by; plurals are no single day."""
    which = words.low(index)
    named = which in _THIS | _LAST | _NEXT
    at = index + 1 if named else index
    number = WEEKDAYS.get(words.low(at))
    if (
        number is None
        or words.low(at).endswith("s")
        or (not named and words.low(at + 1) in ("to", "through", "until", "-", "–", "and", "or"))
        or (not named and words.low(index - 1) not in ("on", "since", "before", "after", "until", "from"))
    ):
        return None
    monday = start_of("week", words.today)
    if which in _THIS:
        day = monday + timedelta(days=number)
    elif which in _NEXT:
        day = words.tomorrow + timedelta(days=(number - words.tomorrow.weekday()) % 7)
    else:
        day = words.today - timedelta(days=(words.today.weekday() - number - 1) % 7 + 1)
    return _period(day, day + timedelta(days=1), "day"), at + 1


def _weekend(words: Words, index: int) -> Found:
    start = index + 1 if words.low(index) == "the" else index
    which = words.low(start)
    if which not in _THIS | _LAST | _NEXT or words.low(start + 1) != "weekend":
        return None
    saturday = start_of("week", words.today) + timedelta(days=5)
    if which in _NEXT:
        saturday += timedelta(days=7)
    elif which in _LAST and saturday + timedelta(days=2) > words.today:
        saturday -= timedelta(days=7)
    return _period(saturday, saturday + timedelta(days=2), "day"), start + 2


def _named_month(words: Words, index: int) -> Found:
    """Last March · this May · next June."""
    month, which = MONTHS.get(words.low(index + 1)), words.low(index)
    if month is None or which not in _THIS | _LAST | _NEXT or words.at(index + 2).kind in ("number", "ordinal"):
        return None
    this = date(words.today.year, month, 1)
    current = start_of("month", words.today)
    if which in _LAST and this >= current:
        this = step("year", this, -1)
    elif which in _NEXT and this <= current:
        this = step("year", this, 1)
    return _period(this, step("month", this, 1), "month"), index + 2


def _decade(words: Words, index: int) -> Found:
    start = index + 1 if words.low(index) == "the" else index
    which = words.low(start)
    if which not in _THIS | _LAST or words.low(start + 1) != "decade":
        return None
    if which == "past" or (which == "last" and words.low(index - 1) in ("over", "in", "within")):
        return _rolling(words, "year", 10), start + 2
    first = date(words.today.year // 10 * 10 - (0 if which in _THIS else 10), 1, 1)
    return _period(first, step("year", first, 10), "year"), start + 2


def _count(words: Words, index: int) -> tuple[int | None, int]:
    """The number at `index` in digits or words ("two", "a couple of", "few") and the index after it."""
    start = index + 1 if words.low(index) == "a" and words.low(index + 1) in (*_VAGUE, "dozen", "hundred") else index
    word = words.low(start)
    if word in _VAGUE:
        return _VAGUE[word], start + (2 if words.low(start + 1) == "of" else 1)
    if word in ("dozen", "hundred"):
        return (12 if word == "dozen" else 100), start + 1
    if words.at(start).kind not in ("number", "word"):
        return None, start
    number = small_number(word)
    follower = small_number(words.low(start + 1)) if number in range(20, 100, 10) and words.at(start + 1).kind == "word" else None
    if number is not None and follower is not None and 1 <= follower < 10:
        return number + follower, start + 2
    return number, start + 1


def _period(start: date, end: date, grain: Unit) -> Period:
    return Period(start=start, end=end, grain=grain)


_RULES = (_named_day, _so_far, _unit, _last_many, _ago, _weekday, _weekend, _named_month, _decade)
