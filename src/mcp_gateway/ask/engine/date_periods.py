"""One period of time, named absolutely: 5 March 2024 · 2024-03-05 · 03/05/2024 · March · Q3 2025 · second half · FY25 · the 90s ·
week 12 · summer 2025. Relative ones ("last month") are in date_relative.py; ranges over two periods in date_spans.py."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TypeAlias

from mcp_gateway.ask.engine.date_calendar import day_or_none, full_year, month_of, step
from mcp_gateway.ask.engine.date_tokens import MONTHS, Period, Words
from mcp_gateway.ask.engine.number_words import ordinal_value, small_number

Found: TypeAlias = tuple[Period, int] | None

_DATE_PREPOSITIONS = frozenset(
    "in during since until till from to through for of by between before after last this next past previous every each early mid "
    "late on and or vs versus than".split()
)
# What stands before a number that counts or measures, so that 2000 is no year.
_COUNTING = frozenset(
    "than over under above below least most exceeds exceeding about around top first only number id equal equals to is was are "
    "be "
    "with has have had approximately nearly cost costs price priced = > < $ € £ # - + * / . 's at or and same a an no x × worth "
    "paid".split()
)
_COUNTED = frozenset("% $ € units unit pieces people dollars euros usd eur kg times items rows points k m + * /".split())
_YEAR_PREPOSITIONS = frozenset(
    "in during since before after until till year from through calendar fy fiscal throughout late early mid".split()
)
_NOT_MONTH_AFTER = frozenset("i we you he she they it be have not also need want help ask please in on madness".split())
_NAMES_TOO = frozenset("april june august may jan march mar dec".split())
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_DECADES = {
    "twenties": 20,
    "thirties": 30,
    "forties": 40,
    "fifties": 50,
    "sixties": 60,
    "seventies": 70,
    "eighties": 80,
    "nineties": 90,
}


def read_absolute(words: Words, index: int) -> Found:
    """The longest absolute period that begins exactly at `index`, with the index after it."""
    found = [result for rule in _RULES if (result := rule(words, index)) is not None]
    return max(found, key=lambda result: result[1], default=None)


def year_at(words: Words, index: int) -> int | None:
    """The year written at `index`: 2024 or '24."""
    word = words.at(index)
    if word.kind == "number" and re.fullmatch(r"(?:1[5-9]|20|21)\d\d", word.text):
        return int(word.text)
    return None


def _moment(words: Words, index: int) -> Found:
    word = words.at(index)
    if word.kind != "moment":
        return None
    try:
        if len(word.text) > 10:
            moment = datetime.fromisoformat(word.text)
            return Period(start=moment, end=moment + timedelta(minutes=1), grain="hour"), index + 1
        day = date.fromisoformat(word.text)
    except ValueError:
        return None
    return _one_day(day), index + 1


def _slashed(words: Words, index: int) -> Found:
    """03/05/2024 may be either way round; with dots the day comes first; 2024/03/05 is plain."""
    word = words.at(index)
    if word.kind != "slashed":
        return None
    first, second, third = (int(part) for part in re.split(r"[/.]", word.text))
    if first > 31:
        days = [day_or_none(first, second, third)]
    else:
        year = full_year(third)
        days = [day_or_none(year, first, second), day_or_none(year, second, first)]
        if "." in word.text:
            days = days[1:]
    sure = list(dict.fromkeys(day for day in days if day is not None))
    if not sure or (len(word.text) < 6):
        return None
    others = tuple((day, step("day", day, 1)) for day in sure[1:])
    return Period(start=sure[0], end=step("day", sure[0], 1), grain="day", others=others), index + 1


def _year_month(words: Words, index: int) -> Found:
    word = words.at(index)
    if word.kind != "yearmonth":
        return None
    first, second = (int(part) for part in re.split(r"[/-]", word.text))
    year, month = (first, second) if first > 12 else (second, first)
    start, end = month_of(year, month)
    return Period(start=start, end=end, grain="month"), index + 1


def _month_day(words: Words, index: int) -> Found:
    """March 5, 2024 · March 5th · March 5."""
    month = MONTHS.get(words.low(index))
    day = _day_number(words, index + 1)
    if month is None or day is None:
        return None
    if words.low(index + 2) in (":", ".", "%") or (index and words.at(index + 1).kind == "number" and not is_month(words, index)):
        return None
    return with_year(words, index + 2, lambda year: _days_of(year, month, day), month)


def _day_month(words: Words, index: int) -> Found:
    """5 March 2024 · the 5th of March."""
    start = index + 1 if words.low(index) == "the" else index
    day = _day_number(words, start)
    after = start + 2 if words.low(start + 1) == "of" else start + 1
    month = MONTHS.get(words.low(after))
    counted = words.low(start - 1) in ("top", "first", "last", "best", "bottom")
    if day is None or month is None or (counted and words.at(start).kind == "number"):
        return None
    return with_year(words, after + 1, lambda year: _days_of(year, month, day), month)


def _month(words: Words, index: int) -> Found:
    start = index + words.says(index, "the month of", "month of")
    month = MONTHS.get(words.low(start))
    if month is None or (start == index and not is_month(words, index)) or _day_number(words, start + 1) is not None:
        return None
    return with_year(
        words, start + 1, lambda year: Period(start=month_of(year, month)[0], end=month_of(year, month)[1], grain="month"), month
    )


def _quarter(words: Words, index: int) -> Found:
    """Q3 2025 · third quarter of last year · H1 2025 · second half of 2025 · fiscal Q2 2025."""
    fiscal = words.low(index) == "fiscal"
    start = index + (1 if fiscal or words.low(index) == "the" else 0)
    word = words.low(start)
    coded = re.fullmatch(r"(?:q([1-4])|([1-4])q|h([12])|([12])h)(\d\d)?", word)
    after = start + 1
    if coded:
        number, months = next((int(group), 3 if place < 2 else 6) for place, group in enumerate(coded.groups()) if group)
        short_year = full_year(int(coded.group(5))) if coded.group(5) else None
    else:
        place = (
            4 if word == "last" and words.low(start + 1) == "quarter" and words.low(start + 2) == "of" else ordinal_value(word)
        )
        after = start + (2 if words.low(start + 1) != "fiscal" else 3)
        fiscal = fiscal or words.low(start + 1) == "fiscal"
        noun = words.low(after - 1)
        if place is None or noun not in ("quarter", "half") or place > (4 if noun == "quarter" else 2):
            return None
        number, months, short_year = place, 3 if noun == "quarter" else 6, None
    if re.fullmatch(r"fy\d{2,4}", words.low(after)) or words.low(after) == "fy":
        fiscal = True
    first = (words.fiscal_start if fiscal else 1) + (number - 1) * months

    def make(year: int) -> Period:
        begin = step("month", fiscal_year(words, year)[0] if fiscal else date(year, 1, 1), (number - 1) * months)
        return Period(start=begin, end=step("month", begin, months), grain="quarter" if months == 3 else "month")

    if short_year is not None:
        return make(short_year), after
    return with_year(words, after, make, (first - 1) % 12 + 1)


def _fiscal_year(words: Words, index: int) -> Found:
    """FY25 · FY 2025 · fiscal year 2025 · fiscal 2025."""
    glued = re.fullmatch(r"fy(\d{2}|\d{4})", words.low(index))
    skip = words.says(index, "fiscal year", "financial year", "fiscal", "fy")
    year, after = (full_year(int(glued.group(1))), index + 1) if glued else (year_at(words, index + skip), index + skip + 1)
    if year is None or (not glued and not skip):
        return None
    quarter = re.fullmatch(r"q([1-4])", words.low(after))
    start, end = fiscal_year(words, year)
    if quarter:
        start = step("quarter", start, int(quarter.group(1)) - 1)
        return Period(start=start, end=step("quarter", start, 1), grain="quarter"), after + 1
    return Period(start=start, end=end, grain="year"), after


def fiscal_year(words: Words, year: int) -> tuple[date, date]:
    """The fiscal year called by this number: the one that ends in it (for a start in January: the calendar year)."""
    start = date(year if words.fiscal_start == 1 else year - 1, words.fiscal_start, 1)
    return start, step("year", start, 1)


def _year(words: Words, index: int) -> Found:
    skip = words.says(index, "the calendar year", "calendar year", "the year of", "the year", "year of", "year")
    year = year_at(words, index + skip)
    if year is None:
        return None
    before, follower = words.low(index - 1), words.low(index + skip + 1)
    sure = bool(skip) or before in _YEAR_PREPOSITIONS or (before == "for" and abs(words.today.year - year) < 40)
    listed = before in ("and", "or", ",") and year_at(words, index - 2) is not None
    if listed:
        return _year(words, index - 2) and (
            _calendar_year(year, weak=words.low(index - 3) not in _YEAR_PREPOSITIONS | {"for"}),
            index + 1,
        )
    if not sure and (before in _COUNTING or follower in _COUNTED or not 1950 <= year <= words.today.year + 2):
        return None
    more = words.says(
        index + skip + 1, "or more", "or less", "or fewer", "or higher", "or lower", "or above", "or below", "or greater"
    )
    if more or (follower in _COUNTED and not skip and before not in ("in", "during", "since")):
        return None
    return _calendar_year(year, weak=not sure), index + skip + 1


def _calendar_year(year: int, *, weak: bool) -> Period:
    return Period(start=date(year, 1, 1), end=date(year + 1, 1, 1), grain="year", weak=weak)


def _decade(words: Words, index: int) -> Found:
    start = index + 1 if words.low(index) == "the" else index
    word = words.at(start)
    if word.kind == "decade":
        number = int(re.sub(r"\D", "", word.text))
    elif word.low in _DECADES and start > index:
        number = _DECADES[word.low]
    else:
        return None
    if number < 100:
        number += 2000 if number <= (words.today.year - 2000) and number < 30 else 1900
    elif words.low(start - 1) == "in" and number % 100 == 0 and number < 1900:
        return None
    return Period(start=date(number, 1, 1), end=date(number + 10, 1, 1), grain="year"), start + 1


def _week(words: Words, index: int) -> Found:
    """Week 12 of 2025 · calendar week 12 · CW12."""
    glued = re.fullmatch(r"(?:cw|kw)(\d{1,2})", words.low(index))
    skip = words.says(index, "calendar week", "week number", "week", "cw")
    number = (
        int(glued.group(1))
        if glued
        else small_number(words.low(index + skip))
        if skip and words.at(index + skip).kind == "number"
        else None
    )
    if number is None or not 1 <= number <= 53:
        return None

    def make(year: int) -> Period:
        start = date.fromisocalendar(year, min(number, 52), 1) + timedelta(weeks=max(0, number - 52))
        return Period(start=start, end=step("week", start, 1), grain="week")

    return with_year(words, index + 1 if glued else index + skip + 1, make, None)


def _season(words: Words, index: int) -> Found:
    said = words.low(index) if words.low(index) in ("last", "this") else ""
    at = index + 1 if said else index
    month = _SEASONS.get(words.low(at))
    named_year = year_at(words, at + 1) or year_at(words, at + 2)
    if month is None or (named_year is None and not said and words.low(index - 1) not in ("in", "during")):
        return None

    def make(year: int) -> Period:
        start = date(year, month, 1)
        running = said == "last" and start <= words.today < step("month", start, 3)
        start = step("year", start, -1) if running else start
        return Period(start=start, end=step("month", start, 3), grain="month", weak=named_year is None)

    return with_year(words, at + 1, make, None)


def with_year(words: Words, index: int, make: Callable[[int], Period | None], month: int | None) -> Found:
    """The period in the year said at `index` ("2025", ", 2025", "of last year"), or else the latest one that has begun."""
    at = index + 1 if words.low(index) in (",", "of", "in", "'", ".") else index
    at += 1 if words.low(at) in ("the", "fy") else 0
    at += 1 if words.low(at) in ("year", "fiscal", "fy") else 0
    glued = re.fullmatch(r"fy(\d{2}|\d{4})", words.low(at))
    year = full_year(int(glued.group(1))) if glued else year_at(words, at)
    if year is None and words.low(index) == "'" and re.fullmatch(r"\d\d", words.low(index + 1)):
        year = full_year(int(words.low(index + 1)))
    taken = at + 1
    if year is None:
        year, taken = _relative_year(words, at)
    if year is not None:
        period = make(year)
        return (period, taken) if period is not None else None
    for candidate in range(words.today.year, words.today.year - 9, -1):
        period = make(candidate)
        if period is not None and _as_day(period) <= words.today:
            floating = Period(start=period.start, end=period.end, grain=period.grain, weak=period.weak, month_only=month)
            return floating, index
    return None


def _relative_year(words: Words, at: int) -> tuple[int | None, int]:
    offsets = {"last": -1, "previous": -1, "prior": -1, "this": 0, "current": 0, "next": 1, "same": 0}
    if words.low(at) in offsets and words.low(at + 1) == "year":
        return words.today.year + offsets[words.low(at)], at + 2
    count = small_number(words.low(at))
    if count is not None and words.low(at + 1) in ("year", "years") and words.low(at + 2) == "ago":
        return words.today.year - count, at + 3
    return None, at


def is_month(words: Words, index: int) -> bool:
    """Whether the word is meant as a month: "may", "march" and first names need a date's company."""
    low, before, after = words.low(index), words.low(index - 1), words.at(index + 1)
    if low not in MONTHS:
        return False
    if low not in _NAMES_TOO:
        return True
    if before in _DATE_PREPOSITIONS and after.low not in _NOT_MONTH_AFTER:
        if before not in ("and", "or", "by", "for", "of", "to", "from") or low not in ("jan", "april", "june", "august"):
            return True
        return not after.text[:1].isupper()
    if year_at(words, index + 1) or words.at(index + 1).kind == "ordinal" or words.at(index - 1).kind == "ordinal":
        return True
    if before in (",", "-", "–") and words.low(index - 2) in MONTHS:
        return True
    return (
        low not in ("may", "march", "mar") and not after.text[:1].isupper() and before not in (".", "named", "called", "customer")
    )


def _day_number(words: Words, index: int) -> int | None:
    word = words.at(index)
    number = (
        ordinal_value(word.low) if word.kind in ("ordinal", "word") else small_number(word.low) if word.kind == "number" else None
    )
    return number if number is not None and 1 <= number <= 31 else None


def _days_of(year: int, month: int, day: int) -> Period | None:
    found = day_or_none(year, month, day)
    return _one_day(found) if found else None


def _one_day(day: date) -> Period:
    return Period(start=day, end=step("day", day, 1), grain="day")


def _as_day(period: Period) -> date:
    return period.start.date() if isinstance(period.start, datetime) else period.start


_RULES = (_moment, _slashed, _year_month, _month_day, _day_month, _month, _quarter, _fiscal_year, _year, _decade, _week, _season)
