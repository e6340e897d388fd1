"""Stored text values by their words, in memory: one dictionary look-up says whether a stretch of a question is a value.

Bounded by an estimate of its own size: values that no longer fit are left out, and their column says so (`complete`).
"""

import bisect
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from mcp_gateway.tables.values.words import fold_words, stem

# Longer values are prose; nobody repeats them in a question, and what they contain is looked up on demand.
MAX_VALUE_LENGTH: Final = 120
# Columns with at most so many values are lists of categories or names worth stemming and joining.
_STEMMED_VALUES: Final = 5_000
# A stretch of a question with more words is no value; 120 characters hold some twenty.
_LONGEST_STRETCH: Final = 24
# What one value takes: its text twice, two dictionary entries, its share of the word lists. Measured on names and titles.
_BYTES_A_VALUE: Final = 220
_BYTES_A_WORD: Final = 50


@dataclass(slots=True)
class IndexedColumn:
    """One column's place in the index.

    `complete`: every value is in it, except that `has_prose` says there are values too long to be repeated in a question.
    """

    table: str
    column: str
    complete: bool = True
    has_prose: bool = False
    values: int = 0


class ValueIndex:
    """Values of many columns. Filled once, prepared, then only read; reading is safe from any thread."""

    def __init__(self, max_bytes: int, *, longest_value: int = MAX_VALUE_LENGTH) -> None:
        """`longest_value` counts characters."""
        self._max_bytes = max_bytes
        self._longest_value = longest_value
        self.size_bytes = 0
        self.columns: list[IndexedColumn] = []
        self.values: list[str] = []
        self._owners = array("I")
        self._whole: dict[str, int | array[int]] = {}
        self._stems: dict[str, int | array[int]] = {}
        self._joined: dict[str, int | array[int]] = {}
        self._words: dict[str, int | array[int]] = {}
        self._near: dict[tuple[str, int], list[str]] = {}
        self._sorted: list[str] = []
        self.longest = 1

    def add_column(self, table: str, column: str, values: Iterable[str], *, complete: bool) -> None:
        """Takes the values in order until the memory bound; `complete` says whether these are all there are."""
        entry = IndexedColumn(table=table, column=column, complete=complete)
        place = len(self.columns)
        self.columns.append(entry)
        kept = list(values)
        stemmed = len(kept) <= _STEMMED_VALUES
        for value in kept:
            words = fold_words(value)
            if not words:
                continue
            cost = _BYTES_A_VALUE + 2 * len(value) + _BYTES_A_WORD * len(words)
            if len(value) > self._longest_value:
                entry.has_prose = True
                continue
            if self.size_bytes + cost > self._max_bytes:
                entry.complete = False
                continue
            self.size_bytes += cost
            entry.values += 1
            self._add(len(self.values), words, stemmed=stemmed)
            self.values.append(value)
            self._owners.append(place)

    def prepare(self) -> None:
        """Once after the last column: what searches for misspelt and unfinished words need."""
        single = (key for key in self._whole if " " not in key and key not in self._words)
        self._sorted = sorted((*self._words, *single))
        for word in self._sorted:
            if len(word) >= 3 and not word.isdigit():
                self._near.setdefault((word[0], len(word)), []).append(word)
                self._near.setdefault(("…" + word[-2:], len(word)), []).append(word)

    def _add(self, identity: int, words: list[str], *, stemmed: bool) -> None:
        key = " ".join(words)
        self.longest = max(self.longest, min(len(words), _LONGEST_STRETCH))
        _append(self._whole, key, identity)
        if stemmed:
            stems = " ".join(stem(word) for word in words)
            if stems != key:
                _append(self._stems, stems, identity)
            if len(words) in (2, 3):
                _append(self._joined, "".join(words), identity)
        if len(words) > 1:
            for word in set(words):
                _append(self._words, word, identity)

    def column_of(self, identity: int) -> IndexedColumn:
        return self.columns[self._owners[identity]]

    def whole(self, key: str) -> Iterator[int]:
        """Values whose folded words, with spaces between, are `key`."""
        return _ids(self._whole.get(key))

    def stemmed(self, key: str) -> Iterator[int]:
        """Values whose stems are `key`; also those spelled exactly so."""
        yield from _ids(self._stems.get(key))
        yield from _ids(self._whole.get(key))

    def joined(self, key: str) -> Iterator[int]:
        """Values whose two or three words written as one are `key`."""
        return _ids(self._joined.get(key))

    def containing(self, word: str) -> Iterator[int]:
        """Values of several words, `word` among them."""
        return _ids(self._words.get(word))

    def count_containing(self, word: str) -> int:
        ids = self._words.get(word)
        return 0 if ids is None else 1 if isinstance(ids, int) else len(ids)

    def knows(self, word: str) -> bool:
        """Whether the word is a value or stands in one."""
        return word in self._whole or word in self._words

    def words_near(self, word: str, distance: int) -> Iterator[str]:
        """Words of values with the same first or last letters and a length that allows this edit distance."""
        for length in range(len(word) - distance, len(word) + distance + 1):
            yield from self._near.get((word[0], length), ())
            yield from self._near.get(("…" + word[-2:], length), ())

    def words_beginning(self, start: str) -> Iterator[str]:
        """Words of values that begin so and are longer."""
        for place in range(bisect.bisect_right(self._sorted, start), len(self._sorted)):
            if not self._sorted[place].startswith(start):
                return
            yield self._sorted[place]


def _append(postings: dict[str, "int | array[int]"], key: str, identity: int) -> None:
    """A single id is kept bare: most keys have one."""
    known = postings.get(key)
    if known is None:
        postings[key] = identity
    elif isinstance(known, int):
        postings[key] = array("I", (known, identity))
    else:
        known.append(identity)


def _ids(found: "int | array[int] | None") -> Iterator[int]:
    if found is None:
        return
    if isinstance(found, int):
        yield found
    else:
        yield from found
