"""Every stretch of a text that is, or nearly is, an indexed value: pure, in memory, a few milliseconds.

    exact     letter for letter                          1
    folded    case, accents, punctuation or spacing      0.90 - 0.97
    stem      another form of the words                  0.88
    prefix    the value's first words                    up to 0.85, less the less of it is said and the commoner the words
    contains  words from within the value                up to 0.75, likewise
    fuzzy     one or two typing errors                   up to 0.9 of the similarity

Words that are hardly ever meant as a value (in, all, the, a single letter) keep a third of that unless they are written
as a name is.
"""

import math
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from mcp_gateway.tables.model import MatchedHow, ValueMatch
from mcp_gateway.tables.values.index import IndexedColumn, ValueIndex
from mcp_gateway.tables.values.words import COMMON_WORDS, STOP_WORDS, Word, find_words, fold, fold_words, stem

# A word that stands in more values than this says little about which is meant.
_COMMON_POSTINGS: Final = 150
# A text of at most so many words is a term somebody looks up; anything longer is a sentence.
_TERM_WORDS: Final = 3
_TERM_POSTINGS: Final = 5_000
_MAX_WORDS: Final = 400
_MAX_WHOLE_PER_STRETCH: Final = 40
_MAX_PARTIAL_PER_STRETCH: Final = 8
_MAX_PARTIAL_PER_COLUMN: Final = 4
_LONGEST_RUN: Final = 16
_FUZZY_CANDIDATES: Final = 4
# Words beside one that is spelled right may be this far off.
_NEAR: Final = 0.8


@dataclass(frozen=True, slots=True)
class Query:
    """A text to search, its words, and which columns count. `schema_words` are folded words of table and column names."""

    text: str
    words: tuple[Word, ...]
    schema_words: Set[str]
    accepts: Callable[[IndexedColumn], bool]

    @property
    def is_term(self) -> bool:
        return len(self.words) <= _TERM_WORDS

    def is_named(self, place: int) -> bool:
        """Whether the word is written as a name is: with a capital that neither a sentence's begin nor shouting explains."""
        return self.text[self.words[place].start].isupper() and (place > 0 or self.is_term) and not self.shouts

    @property
    def shouts(self) -> bool:
        """Whether capitals say nothing here."""
        return self.text.isupper()


def make_query(text: str, schema_words: Set[str], accepts: Callable[[IndexedColumn], bool]) -> Query:
    return Query(text, tuple(find_words(text)[:_MAX_WORDS]), schema_words, accepts)


def search(index: ValueIndex, query: Query) -> list[ValueMatch]:
    """All matches, best first; overlapping ones too, except weak ones inside strong ones."""
    found = _Found(index, query)
    _find_whole(found)
    for first, last, identity, how, score in _find_partial(index, query):
        found.add(first, last, identity, how, score)
    _find_fuzzy(found)
    return rank(found.matches())


def rank(matches: list[ValueMatch]) -> list[ValueMatch]:
    """Best first: by score, then by length; without weak ones inside strong ones and without floods of equals."""
    strong = [match for match in matches if match.how in ("exact", "folded", "stem") and match.score >= 0.6]
    spans = {(match.start, match.end) for match in strong}
    kept = [match for match in matches if not (_is_partial(match) and _overlaps(match, spans))]
    kept.sort(
        key=lambda match: (-match.score - 0.01 * min(match.end - match.start, 30) / 30, match.start, match.table, match.column)
    )
    counts: dict[tuple[object, ...], int] = {}
    result = []
    for match in kept:
        partial = _is_partial(match)
        stretch, column = (match.start, match.end, partial), (match.start, match.end, partial, match.table, match.column)
        counts[stretch] = counts.get(stretch, 0) + 1
        counts[column] = counts.get(column, 0) + 1
        most = _MAX_PARTIAL_PER_STRETCH if partial else _MAX_WHOLE_PER_STRETCH
        if counts[stretch] <= most and (not partial or counts[column] <= _MAX_PARTIAL_PER_COLUMN):
            result.append(match)
    return result


class _Found:
    """The best match per value and stretch."""

    def __init__(self, index: ValueIndex, query: Query) -> None:
        self.index = index
        self.query = query
        self._best: dict[tuple[int, int, int], tuple[MatchedHow, float]] = {}
        self.covered: set[int] = set()

    def add(self, first: int, last: int, identity: int, how: MatchedHow, score: float) -> None:
        """words[first..last] is `identity`."""
        if not self.query.accepts(self.index.column_of(identity)):
            return
        if how in ("exact", "folded", "stem") and last > first:
            self.covered.update(range(first, last + 1))
        key = (first, last, identity)
        if key not in self._best or self._best[key][1] < score:
            self._best[key] = (how, score)

    def matches(self) -> list[ValueMatch]:
        return [self._match(first, last, identity, how, score) for (first, last, identity), (how, score) in self._best.items()]

    def _match(self, first: int, last: int, identity: int, how: MatchedHow, score: float) -> ValueMatch:
        text, value = self.query.text, self.index.values[identity]
        start, end = self.query.words[first].start, self.query.words[last].end
        if how == "folded" and score >= 0.95:
            start, end, how, score = _compare_letters(text, start, end, value, score)
        column = self.index.column_of(identity)
        same_letters = text[start:end] == value
        # Signs around the words say that nothing else is meant.
        has_signs = same_letters and not value.replace(" ", "").isalnum()
        weight = 1.0 if has_signs else _weight(self.query, first, last, same_letters=same_letters)
        return ValueMatch(
            start=start, end=end, text=text[start:end], table=column.table, column=column.column, value=value,
            score=round(score * weight, 4), how=how,
        )  # fmt: skip


def _compare_letters(text: str, start: int, end: int, value: str, score: float) -> tuple[int, int, MatchedHow, float]:
    """Exact when the letters agree; a value's own signs around its words ("C++", "Yahoo!") are taken along if they are there."""
    lead = next((place for place, letter in enumerate(value) if letter.isalnum()), 0)
    begin = start - lead
    if begin >= 0:
        stretch = text[begin : begin + len(value)]
        if stretch == value:
            return begin, begin + len(value), "exact", 1.0
        if stretch.lower() == value.lower():
            return begin, begin + len(value), "folded", 0.97
    return start, end, "folded", score


def _weight(query: Query, first: int, last: int, *, same_letters: bool) -> float:
    words = query.words[first : last + 1]
    named = same_letters and query.is_named(first)
    if len(words) == 1 and words[0].folded.isdigit():
        return 0.5 if len(words[0].folded) <= 2 else 0.9
    if all(word.folded in STOP_WORDS or (len(word.folded) == 1 and word.folded.isascii()) for word in words):
        return 0.85 if named or query.is_term else 0.3
    if len(words) == 1 and words[0].folded in query.schema_words:
        return 0.9 if named else 0.75
    return 1.0


def _find_whole(found: _Found) -> None:
    index, query = found.index, found.query
    folded = [word.folded for word in query.words]
    stems = [stem(word) for word in folded]
    for first in range(len(folded)):
        for last in range(first, min(len(folded), first + index.longest)):
            key = " ".join(folded[first : last + 1])
            for identity in index.whole(key):
                found.add(first, last, identity, "folded", 0.95)
            stem_key = " ".join(stems[first : last + 1])
            for identity in index.stemmed(stem_key):
                found.add(first, last, identity, "stem", 0.88)
            if last - first < 3:
                joined = key.replace(" ", "")
                for identity in (*index.joined(joined), *(index.whole(joined) if last > first else ())):
                    found.add(first, last, identity, "folded", 0.9)


def _find_partial(index: ValueIndex, query: Query) -> Iterator[tuple[int, int, int, MatchedHow, float]]:
    """Runs of words that stand together within a value."""
    most = _TERM_POSTINGS if query.is_term else _COMMON_POSTINGS
    for place, word in enumerate(query.words):
        count = index.count_containing(word.folded)
        if 0 < count <= most and not _says_too_little(word.folded, query):
            for identity in index.containing(word.folded):
                yield from _partial_matches(index, query, place, identity, count)
        if query.is_term and len(word.folded) >= 3 and word.folded not in STOP_WORDS:
            yield from _find_beginning(index, place, word.folded)


def _find_beginning(index: ValueIndex, place: int, start: str) -> Iterator[tuple[int, int, int, MatchedHow, float]]:
    """A looked-up term may be the first letters of a word."""
    for number, longer in enumerate(index.words_beginning(start)):
        if number >= _COMMON_POSTINGS:
            return
        share = len(start) / len(longer)
        for identity in index.whole(longer):
            yield place, place, identity, "prefix", 0.5 + 0.3 * share
        for identity in index.containing(longer):
            yield place, place, identity, "contains", 0.4 + 0.2 * share


def _partial_matches(
    index: ValueIndex, query: Query, place: int, identity: int, count: int
) -> Iterator[tuple[int, int, int, MatchedHow, float]]:
    """The longest stretch around words[place] that stands in the value; and the whole value when its other words are near too."""
    value_words = fold_words(index.values[identity])
    first, last, position = _longest_run(query, place, value_words)
    said = sum(len(word.folded) for word in query.words[first : last + 1])
    share = said / max(1, sum(len(word) for word in value_words))
    rarity = 1 / (1 + math.log10(count))
    how: MatchedHow = "prefix" if position == 0 else "contains"
    base = 0.5 if how == "prefix" else 0.4
    yield first, last, identity, how, base + 0.25 * share + 0.1 * rarity
    begin, end = first - position, first - position + len(value_words) - 1
    if begin >= 0 and end < len(query.words) and end - begin > last - first:
        asked = " ".join(word.folded for word in query.words[begin : end + 1])
        similarity = OSA.normalized_similarity(asked, " ".join(value_words), score_cutoff=_NEAR)
        if _NEAR <= similarity < 1:
            yield begin, end, identity, "fuzzy", 0.9 * similarity


def _longest_run(query: Query, place: int, value_words: list[str]) -> tuple[int, int, int]:
    """First and last word of the longest stretch around words[place] that stands in the value, and where in the value."""
    asked = [word.folded for word in query.words[max(0, place - _LONGEST_RUN) : place + _LONGEST_RUN]]
    here = min(place, _LONGEST_RUN)
    best = (here, here, 0)
    for position, word in enumerate(value_words):
        if word != asked[here]:
            continue
        back = forward = 0
        while position - back > 0 and here - back > 0 and value_words[position - back - 1] == asked[here - back - 1]:
            back += 1
        while (
            position + forward + 1 < len(value_words)
            and here + forward + 1 < len(asked)
            and value_words[position + forward + 1] == asked[here + forward + 1]
        ):
            forward += 1
        if back + forward >= best[1] - best[0]:
            best = (here - back, here + forward, position - back)
    shift = place - here
    return best[0] + shift, best[1] + shift, best[2]


def _find_fuzzy(found: _Found) -> None:
    """Words that no value knows, taken for the words they are one or two errors away from."""
    index, query = found.index, found.query
    corrections: dict[int, list[tuple[str, float]]] = {}
    for place, word in enumerate(query.words):
        if place in found.covered or not _may_be_misspelt(word.folded, index, query):
            continue
        distance = 1 if len(word.folded) < 7 else 2
        near = process.extract(
            word.folded, set(index.words_near(word.folded, distance)), scorer=OSA.distance, score_cutoff=distance,
            limit=_FUZZY_CANDIDATES,
        )  # fmt: skip
        if near:
            corrections[place] = [(candidate, 1 - edits / max(len(candidate), len(word.folded))) for candidate, edits, _ in near]
    for place, candidates in corrections.items():
        for candidate, similarity in candidates:
            _try_correction(found, corrections, place, candidate, similarity)


def _try_correction(
    found: _Found, corrections: dict[int, list[tuple[str, float]]], place: int, candidate: str, similarity: float
) -> None:
    """Whole values around the corrected word first; else values that contain it."""
    index, query = found.index, found.query
    folded = [corrections[at][0][0] if at in corrections else word.folded for at, word in enumerate(query.words)]
    folded[place] = candidate
    hit = False
    for first in range(max(0, place - index.longest + 1), place + 1):
        for last in range(place, min(len(folded), first + index.longest)):
            for identity in index.whole(" ".join(folded[first : last + 1])):
                value = " ".join(fold_words(index.values[identity]))
                asked = fold(query.text[query.words[first].start : query.words[last].end])
                found.add(first, last, identity, "fuzzy", 0.9 * max(similarity, OSA.normalized_similarity(asked, value)))
                hit = True
    if not hit and 0 < index.count_containing(candidate) <= _COMMON_POSTINGS:
        for identity in index.containing(candidate):
            share = len(candidate) / max(1, len(index.values[identity]))
            found.add(place, place, identity, "fuzzy", similarity * (0.45 + 0.3 * share))


def _may_be_misspelt(word: str, index: ValueIndex, query: Query) -> bool:
    return (
        len(word) >= 4
        and word.isalpha()
        and not index.knows(word)
        and not index.knows(stem(word))
        and (query.is_term or not _says_little(word, query))
    )


def _says_too_little(word: str, query: Query) -> bool:
    """In a sentence everyday words do; in a term only stop words beside others."""
    if query.is_term:
        return word in STOP_WORDS and not all(other.folded in STOP_WORDS for other in query.words)
    return _says_little(word, query)


def _says_little(word: str, query: Query) -> bool:
    return word in COMMON_WORDS or word in query.schema_words or stem(word) in query.schema_words


def _is_partial(match: ValueMatch) -> bool:
    return match.how in ("prefix", "contains", "fuzzy")


def _overlaps(match: ValueMatch, spans: Set[tuple[int, int]]) -> bool:
    """Whether it shares words with one of the stretches without holding more than that one whole."""
    return any(
        start < match.end
        and match.start < end
        and not (match.start <= start and end <= match.end and (start, end) != (match.start, match.end))
        for start, end in spans
    )
