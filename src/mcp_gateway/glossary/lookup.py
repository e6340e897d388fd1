"""Find a word in the vocabulary: spelled exactly, in another case or accent, or nearly so. Pure."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from mcp_gateway.core.vocabulary import Entity, Metric, Period, Term, Vocabulary

MIN_SCORE = 0.75


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """`word` is the alias that fits; `score` is 0..1, 1 for the same word, case and accents aside."""

    word: str
    score: float
    item: Entity | Term | Metric | Period


def look_up(vocabulary: Vocabulary, term: str, limit: int) -> tuple[Found, ...]:
    """What the term may mean, best first, each item once."""
    words = tuple(_words(vocabulary))
    wanted = fold(term)
    scored = process.extract(
        wanted, [fold(word) for word, _ in words], scorer=fuzz.ratio, score_cutoff=MIN_SCORE * 100, limit=limit * 4
    )
    best: dict[int, Found] = {}
    for _, score, index in scored:
        word, item = words[index]
        best.setdefault(id(item), Found(word=word, score=score / 100, item=item))
    return tuple(best.values())[:limit]


def fold(text: str) -> str:
    """Without case and accents, blanks collapsed."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in decomposed if not unicodedata.combining(letter)).split())


def _words(vocabulary: Vocabulary) -> Iterator[tuple[str, Entity | Term | Metric | Period]]:
    for entity in vocabulary.entities:
        yield from ((word, entity) for word in (*entity.aliases, entity.label))
    for metric in vocabulary.metrics:
        yield from ((word, metric) for word in (*metric.aliases, metric.name))
    for term in vocabulary.terms:
        yield from ((word, term) for word in term.aliases)
    for period in vocabulary.periods:
        yield from ((word, period) for word in period.aliases)
