"""A question cut up for the date grammar, with `now` and the fiscal year beside it. Not the tokens of the rest of the engine:
dates keep their slashes and dashes here, and a hyphen between words ("year-to-date") is a blank."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from mcp_gateway.ask.engine.date_calendar import Moment
from mcp_gateway.ask.engine.form import Unit

UNITS: dict[str, Unit] = {
    "day": "day", "days": "day", "week": "week", "weeks": "week", "wk": "week", "wks": "week", "month": "month",
    "months": "month",
    "mth": "month", "mths": "month", "quarter": "quarter", "quarters": "quarter", "year": "year", "years": "year", "yr": "year",
    "yrs": "year", "hour": "hour", "hours": "hour", "hrs": "hour", "hr": "hour",
}  # fmt: skip
MONTHS: dict[str, int] = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"), ("february", "feb"), ("march", "mar"), ("april", "apr"), ("may",), ("june", "jun"), ("july",
            "jul"),
            ("august", "aug"), ("september", "sep", "sept"), ("october", "oct"), ("november", "nov"), ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}  # fmt: skip
WEEKDAYS: dict[str, int] = {
    name: number
    for number, names in enumerate(
        (
            ("monday", "mondays"), ("tuesday", "tuesdays"), ("wednesday", "wednesdays"), ("thursday", "thursdays"),
            ("friday", "fridays"), ("saturday", "saturdays"), ("sunday", "sundays"),
        )
    )
    for name in names
}  # fmt: skip
_PATTERN = re.compile(
    r"""
    (?P<moment>\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?(?![\d-]))
  | (?P<slashed>\d{1,4}(?P<mark>[/.])\d{1,2}(?P=mark)\d{2,4}(?!\d))
  | (?P<yearmonth>(?:19|20)\d{2}-(?:0[1-9]|1[0-2])(?![\d-])|(?:0?[1-9]|1[0-2])/(?:19|20)\d{2}(?!\d))
  | (?P<decade>['’]?\d0s\b|\d{3}0['’]?s\b)
  | (?P<ordinal>\d{1,2}(?:st|nd|rd|th)\b)
  | (?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\w)|\d+(?:\.\d+)?(?!\w|\.\d))
  | (?P<word>[^\W_]+(?:['’][a-z]+)?)
  | (?P<other>[^\w\s]|_)
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Word:
    """`kind` is the name of the pattern's group."""

    text: str
    low: str
    start: int
    end: int
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """A half-open stretch [start, end). `month_only`: the first month of a yearless one, so that a range can give it its year.

    `weak`: it may be no date at all (a bare 2024). `others`: further ranges it may mean equally well (03/05/2024).
    `rolling`: it ends today, as "the last 30 days".
    """

    start: Moment
    end: Moment
    grain: Unit
    month_only: int | None = None
    weak: bool = False
    rolling: bool = False
    others: tuple[tuple[Moment, Moment], ...] = ()

    def in_year(self, year: int) -> "Period":
        """The same months in the year given; only for one said without its year."""
        delta = year - self.start.year
        start, end = (moment.replace(year=moment.year + delta) for moment in (self.start, self.end))
        return Period(start=start, end=end, grain=self.grain)


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """The question's tokens and what "now" is. Looking beyond either end gives an empty word."""

    question: str
    words: tuple[Word, ...]
    now: datetime
    fiscal_start: int = 1

    @property
    def today(self) -> date:
        return self.now.date()

    @property
    def tomorrow(self) -> date:
        return self.today + timedelta(days=1)

    def at(self, index: int) -> Word:
        return self.words[index] if 0 <= index < len(self.words) else _NOTHING

    def low(self, index: int) -> str:
        return self.at(index).low

    def says(self, index: int, *phrases: str) -> int:
        """How many words the first fitting phrase takes at `index`; 0 when none fits."""
        first = self.low(index)
        for phrase in phrases:
            parts = _parts(phrase)
            if parts[0] == first and all(self.low(index + offset) == part for offset, part in enumerate(parts)):
                return len(parts)
        return 0


_NOTHING = Word("", "", -1, -1, "none")


@cache
def _parts(phrase: str) -> tuple[str, ...]:
    """The words of a phrase; there are only as many phrases as the rules name."""
    return tuple(phrase.split())


def cut(question: str, now: datetime, fiscal_start: int) -> Words:
    words = []
    for match in _PATTERN.finditer(question):
        text, kind = match.group(), match.lastgroup or "other"
        if kind == "mark":
            kind = "slashed"
        if text == "-" and _between_letters(question, match.start()):
            continue
        words.append(Word(text, text.lower().replace("’", "'"), match.start(), match.end(), kind))
    return Words(question=question, words=tuple(words), now=now, fiscal_start=fiscal_start)


def _between_letters(question: str, at: int) -> bool:
    return 0 < at < len(question) - 1 and question[at - 1].isalpha() and question[at + 1].isalpha()
