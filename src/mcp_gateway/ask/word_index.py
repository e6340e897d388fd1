"""Finds business words in a question: the same words, their other forms, and slips of the pen.

Whole words only: an alias inside another word is no match. The longest stretch wins, and a stretch is used once. Exact before
other forms before misspelt. Short words are not matched loosely: too many ordinary words are one letter away from them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from mcp_gateway.ask.claims import Word, words_in
from mcp_gateway.ask.engine.text import stem_of

LONGEST_PHRASE = 8
STEM_SCORE = 0.95
# Letters a stretch must have for one slip, and for two.
ONE_SLIP, TWO_SLIPS = 6, 10


@dataclass(frozen=True, slots=True)
class Found:
    """text[start:end] is, or is meant to be, the word `key`."""

    start: int
    end: int
    key: str
    score: float


class WordIndex:
    """The keys (folded words, one space between) that can be found."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = frozenset(keys)
        self._by_stems: dict[str, str] = {}
        self._by_shape: dict[tuple[int, str], list[str]] = defaultdict(list)
        for key in sorted(self._keys):
            words = key.split(" ")
            self._by_stems.setdefault(_stemmed(words), key)
            if len(key) >= ONE_SLIP - 1:
                self._by_shape[(len(words), key[0])].append(key)
        self._longest = min(LONGEST_PHRASE, max((key.count(" ") + 1 for key in self._keys), default=0))

    def find(self, question: str, *, ordinary: frozenset[str] = frozenset()) -> tuple[Found, ...]:
        """What is found, by place. Stretches made only of `ordinary` words (stems) are not taken for misspelt."""
        words = words_in(question)
        taken: list[Found] = []
        for stretch in _stretches(words, self._longest):
            said = [word.folded for word in stretch]
            hit = self._exact(said) or self._other_form(said)
            if hit is not None and _free(stretch, taken):
                taken.append(Found(stretch[0].start, stretch[-1].end, *hit))
        for stretch in _stretches(words, self._longest):
            if _free(stretch, taken) and not all(stem_of(word.folded) in ordinary for word in stretch):
                hit = self._misspelt([word.folded for word in stretch])
                if hit is not None:
                    taken.append(Found(stretch[0].start, stretch[-1].end, *hit))
        return tuple(sorted(taken, key=lambda found: found.start))

    def _exact(self, words: Sequence[str]) -> tuple[str, float] | None:
        key = " ".join(words)
        return (key, 1.0) if key in self._keys else None

    def _other_form(self, words: Sequence[str]) -> tuple[str, float] | None:
        key = self._by_stems.get(_stemmed(words))
        return None if key is None else (key, STEM_SCORE)

    def _misspelt(self, words: Sequence[str]) -> tuple[str, float] | None:
        said = " ".join(words)
        if len(said) < ONE_SLIP or said.isdigit():
            return None
        slips = 2 if len(said) >= TWO_SLIPS else 1
        candidates = self._by_shape.get((len(words), said[0]), ())
        near = process.extractOne(said, candidates, scorer=OSA.distance, score_cutoff=slips)
        if near is None or len(near[0]) < ONE_SLIP:
            return None
        key, distance, _ = near
        return key, round(1 - distance / max(len(said), len(key)), 3)


def _stretches(words: Sequence[Word], longest: int) -> Iterable[Sequence[Word]]:
    """Every run of words, longest first, each length from the left."""
    for length in range(min(longest, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            yield words[start : start + length]


def _free(stretch: Sequence[Word], taken: Iterable[Found]) -> bool:
    return all(stretch[-1].end <= found.start or stretch[0].start >= found.end for found in taken)


def _stemmed(words: Sequence[str]) -> str:
    return " ".join(stem_of(word) for word in words)
