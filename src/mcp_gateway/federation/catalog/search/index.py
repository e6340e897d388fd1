"""Ranking tools by BM25 over their names, descriptions and arguments (Robertson and Zaragoza 2009, with weighted fields).

The same tools and the same words give the same ranking, on every replica. Numbers of a collection are those of the tools a caller
may see: what others have changes nobody's ranking and tells nobody anything.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from heapq import nsmallest
from itertools import islice
from math import log
from typing import Final, NamedTuple

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object
from mcp_gateway.federation.catalog.search.words import words_of

# What a word counts where it stands.
IN_NAME: Final = 4
IN_TITLE: Final = 3
IN_ARGUMENT: Final = 2
IN_TEXT: Final = 1
# A description may be a book; a ranking needs its beginning.
MAX_TEXT: Final = 4_000
MAX_ARGUMENTS: Final = 100
MAX_WORDS: Final = 32
MAX_TOOLS: Final = 200_000
_K1: Final = 1.2
_B: Final = 0.75


class Hit(NamedTuple):
    """`place` is the number of the tool in what was searched."""

    place: int
    score: float


class Collection(NamedTuple):
    """Some of the tools of an index: the place of each among them by its number there, and how long they are on average."""

    places: dict[int, int]
    mean_length: float


class ToolIndex:
    """Grows with the tools that are searched; when most of it is of the past it begins anew."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._lengths = array("f")
        self._postings: dict[str, tuple[array[int], array[float]]] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def knows(self, body: bytes) -> bool:
        return body in self._numbers

    def make_room(self, wanted: int) -> bool:
        """Before a search of this many tools. True: everything was forgotten, collections too."""
        full = len(self._numbers) > min(2 * wanted + 20_000, MAX_TOOLS)
        if full:
            self._numbers.clear()
            self._postings.clear()
            del self._lengths[:]
        return full

    def add(self, body: bytes) -> None:
        """A tool as it is listed."""
        if body in self._numbers:
            return
        weights = _weights(parse_object(body))
        number = self._numbers[body] = len(self._numbers)
        self._lengths.append(sum(weights.values()))
        for word, weight in weights.items():
            numbers, counts = self._postings.setdefault(word, (array("L"), array("f")))
            numbers.append(number)
            counts.append(weight)

    def collect(self, bodies: Sequence[bytes]) -> Collection:
        """Of tools that were all added before."""
        places = {self._numbers[body]: place for place, body in enumerate(bodies)}
        mean = sum(map(self._lengths.__getitem__, places)) / len(places) if places else 1.0
        return Collection(places, mean or 1.0)

    def search(self, query: str, among: Collection, limit: int) -> list[Hit]:
        """The best of these. Nothing that has none of the words."""
        place_of, mean = among
        scores: dict[int, float] = {}
        for word in dict.fromkeys(list(words_of(query))[:MAX_WORDS]):
            numbers, counts = self._postings.get(word, (array("L"), array("f")))
            found = [(number, count) for number, count in zip(numbers, counts, strict=True) if number in place_of]
            rarity = log(1 + (len(place_of) - len(found) + 0.5) / (len(found) + 0.5))
            for number, count in found:
                weighed = count + _K1 * (1 - _B + _B * self._lengths[number] / mean)
                scores[number] = scores.get(number, 0.0) + rarity * count * (_K1 + 1) / weighed
        hits = (Hit(place_of[number], score) for number, score in scores.items())
        return nsmallest(limit, hits, key=lambda hit: (-hit.score, hit.place))


def _weights(tool: JsonObject) -> Counter[str]:
    weights: Counter[str] = Counter()
    for text, weight in (
        (tool.get("name"), IN_NAME),
        (tool.get("title") or object_at(tool, "annotations").get("title"), IN_TITLE),
        (tool.get("description"), IN_TEXT),
    ):
        _count(weights, text, weight)
    for name, schema in islice(object_at(tool, "inputSchema", "properties").items(), MAX_ARGUMENTS):
        _count(weights, name, IN_ARGUMENT)
        _count(weights, object_at(schema).get("description"), IN_TEXT)
    return weights


def _count(weights: Counter[str], text: Json, weight: int) -> None:
    if isinstance(text, str):
        for word in words_of(text[:MAX_TEXT]):
            weights[word] += weight
