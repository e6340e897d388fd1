"""Parts of a moment that come round again: the day of the week, the hour of the day, the month of the year."""

import re
from dataclasses import dataclass

from mcp_gateway.ask.engine.form import Part

_OPENING = (
    r"(?:\b(?:(?:in|on|at|during|of|across) (?:which|what|each|every)|which|what|by|per|for (?:each|every)|each|every)\s+)?"
)
_CYCLES: tuple[tuple[str, Part], ...] = (
    (r"(?:week ?days?|days? of (?:the )?week)", "weekday"),
    (r"hours? of (?:the )?day", "hour"),
    (r"times? of (?:the )?day", "hour"),
    (r"(?:calendar months?|months? of (?:the )?year)", "month"),
    (r"quarters? of (?:the )?year", "quarter"),
    (r"days? of (?:the )?month", "day"),
)
_PATTERNS = tuple((re.compile(rf"{_OPENING}\b{words}\b(?! of)", re.IGNORECASE), part) for words, part in _CYCLES)
_QUICK = re.compile(r"\bweek ?days?\b|\bof (?:the )?(?:week|day|month|year)\b|\bcalendar month", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CycleMention:
    """question[start:end] asks for figures by a part of a moment."""

    start: int
    end: int
    part: Part


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ON_DAYS = re.compile(
    rf"\b(?:(?:on|during|at|over) )?(?:"
    rf"(?P<ends>(?:the |a )?weekends?)|(?P<work>(?:working days|workdays|(?<=on )(?:working |week)days))"
    rf"|(?:a |any |every )(?P<one>{'|'.join(_DAYS)})|(?P<many>{'|'.join(_DAYS)})s"
    rf"(?:(?:,? (?:and|or) |, )(?P<more>{'|'.join(_DAYS)})s)?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class DaysMention:
    """question[start:end] means moments on these days of the week, by their English names."""

    start: int
    end: int
    days: tuple[str, ...]


def find_days(question: str) -> DaysMention | None:
    """ "On Mondays", "on a Sunday", "at weekends". A single "on Sunday" is a date."""
    match = _ON_DAYS.search(question)
    if match is None:
        return None
    days: tuple[str, ...] = tuple(name.capitalize() for name in match.group("one", "many", "more") if name)
    if not days:
        days = _DAYS[5:] if match.group("ends") else _DAYS[:5]
    return DaysMention(match.start(), match.end(), days)


def find_cycles(question: str) -> tuple[CycleMention, ...]:
    """Every such mention, in no order; they do not overlap."""
    if _QUICK.search(question) is None:
        return ()
    found: list[CycleMention] = []
    for pattern, part in _PATTERNS:
        for match in pattern.finditer(question):
            if not any(match.start() < known.end and match.end() > known.start for known in found):
                found.append(CycleMention(match.start(), match.end(), part))
    return tuple(found)
