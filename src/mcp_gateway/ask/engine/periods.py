"""Stretches of a question that are times, by the token they begin at, as half-open ranges of ISO days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mcp_gateway.ask.engine.text import Token


@dataclass(frozen=True, slots=True)
class FoundPeriod:
    """tokens[start:end] mean `first` <= moment < `last`; None is open."""

    start: int
    end: int
    first: str | None
    last: str | None
    name: str


def periods_in(tokens: Sequence[Token], now: datetime) -> dict[int, tuple[FoundPeriod, ...]]:
    """All periods, by the token they begin at."""
    found: dict[int, tuple[FoundPeriod, ...]] = {}
    for position, token in enumerate(tokens):
        year = token.number
        if token.kind != "number" or not isinstance(year, int) or not 1700 <= year <= 2100 or len(token.text) != 4:
            continue
        before = tokens[position - 1].low if position else ""
        this, after = f"{year:04}-01-01", f"{year + 1:04}-01-01"
        begin = position
        while begin > 0 and tokens[begin - 1].low in {"year", "the", "of"}:
            begin -= 1
        before = tokens[begin - 1].low if begin else ""
        shapes = {
            "before": (None, this),
            "after": (after, None),
            "since": (this, None),
            "until": (None, after),
            "prior": (None, this),
        }
        first, last = shapes.get(before, (this, after))
        if before in shapes or before in {"in", "during", "for", "from", "of"}:
            begin -= 1
        period = FoundPeriod(begin, position + 1, first, last, f"{before} {year}")
        found[begin] = (*found.get(begin, ()), period)
    return found
