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
