"""The words of names, descriptions and questions, so that they can be compared."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import snowballstemmer

# `createIssue2` is three words, `HTTPServer` two; letters of any alphabet count.
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_SILENT: Final = frozenset(
    "a an and are as at be by can do for from has have i if in into is it its me my of on or our so some that the their them then"
    " there these this to us use used uses using want was we what when where which will with you your".split()
)
_REMEMBERED: Final = 50_000


def words_of(text: str) -> Iterator[str]:
    """Stemmed, folded, without those that say nothing."""
    for word in _WORD.findall(text):
        low = word.lower()
        if low not in _SILENT:
            yield stem_of(low)


@lru_cache(maxsize=_REMEMBERED)
def stem_of(word: str) -> str:
    """`word` in lower case."""
    return str(_stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer() -> "snowballstemmer.stemmer":
    return snowballstemmer.stemmer("english")
