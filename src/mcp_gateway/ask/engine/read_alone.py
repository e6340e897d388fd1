"""A part of a question read by itself, as follow-ups, comparisons and shares need it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from mcp_gateway.ask.engine import form
from mcp_gateway.ask.model import DraftRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class StandAlone:
    """The best reading of a text. `unexplained` are the words it makes no use of; `confidence` is 0..1."""

    query: form.Query
    confidence: float
    unexplained: tuple[str, ...] = ()


# Reads a request without its history; None when there is no reading.
ReadAlone = Callable[[DraftRequest], StandAlone | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A form put together from such readings. `query` None: the question is of this kind, but not understood."""

    query: form.Query | None
    confidence: float = 0.0
    unexplained: tuple[str, ...] = ()


def blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with these stretches as blanks, so that every other place stays."""
    letters = list(text)
    for start, end in spans:
        letters[start:end] = " " * (end - start)
    return "".join(letters)


def asking(request: DraftRequest, rest: str, *, before: str = "", after: str = "") -> DraftRequest:
    """A request for `rest` (the question, partly blanked) between other words; values and entities keep their places."""
    shift = len(before) + 1
    values = tuple(
        replace(match, start=match.start + shift, end=match.end + shift)
        for match in request.values
        if rest[match.start : match.end] == request.question[match.start : match.end]
    )
    entities = tuple(
        replace(each, start=each.start + shift, end=each.end + shift)
        for each in request.entities
        if each.start >= 0 and rest[each.start : each.end] == request.question[each.start : each.end]
    )
    return replace(request, question=f"{before} {rest} {after}".rstrip(), values=values, entities=entities, history=())


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, folded."""
    return tuple(re.findall(r"[^\W_]+", text.lower()))
