"""Which real name a wrong one was probably meant to be: letter edits, word stems, parts of names, synonyms, business words.

Deliberately strict about short names and about ties: a wrong guess is worse than none.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import OSA, JaroWinkler

from mcp_gateway.ask.engine.synonyms import words_like
from mcp_gateway.ask.engine.text import stem_of

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+")

# Below this a name is not offered as a repair; between the two it is still named as a suggestion.
LIKELY = 0.7
SUGGESTED = 0.5
# How far the best must be ahead of the second to be taken without asking.
CLEAR_LEAD = 0.04
_ONE_SLIP = 0.84


@dataclass(frozen=True, kw_only=True, slots=True)
class NearName:
    """`score` is 0..1; 1 for the same name, letter case aside."""

    name: str
    score: float


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """The stems of a snake or camel case name's words, in order: `customerIds` -> ("custom", "id")."""
    return tuple(stem_of(word) for word in _WORDS.findall(name))


def similarity(wrong: str, real: str) -> float:
    """How alike two names are, 0..1."""
    left, right = wrong.casefold(), real.casefold()
    if left == right:
        return 1.0
    left_words, right_words = words_of(wrong), words_of(real)
    if left_words == right_words or left.replace("_", "") == right.replace("_", ""):
        return 0.97
    by_edits = _by_edits(left, right)
    if by_edits < _ONE_SLIP and words_like(left):
        # A word of the language is seldom two slips away from what was meant: workers are no orders.
        by_edits *= 0.85
    return max(by_edits, _by_words(left_words, right_words), JaroWinkler.similarity(left, right) * 0.75)


def nearest(wrong: str, names: Iterable[str], synonyms: Mapping[str, Iterable[str]] | None = None) -> tuple[NearName, ...]:
    """The names worth suggesting, best first. `synonyms` gives other words for a name."""
    scored = []
    for name in dict.fromkeys(names):
        others = (synonyms or {}).get(name, ())
        score = max([similarity(wrong, name), *(similarity(wrong, other) * 0.97 for other in others)])
        if score >= SUGGESTED:
            scored.append(NearName(name=name, score=score))
    return tuple(sorted(scored, key=lambda near: (-near.score, near.name)))


def clear_winner(near: tuple[NearName, ...], mentioned: Iterable[str] = ()) -> str | None:
    """The one name that is likely enough and clearly ahead; `mentioned` words break a near tie."""
    if not near or near[0].score < LIKELY:
        return None
    rivals = [name for name in near if name.score > near[0].score - CLEAR_LEAD]
    if len(rivals) == 1:
        return near[0].name
    said = {stem for word in mentioned for stem in words_of(word)}
    named = [rival.name for rival in rivals if set(words_of(rival.name)) & said]
    return named[0] if len(named) == 1 else None


def _by_edits(left: str, right: str) -> float:
    edits = OSA.distance(left, right)
    longest = max(len(left), len(right))
    share = 1 - edits / longest
    if edits == 1 and longest >= 3:
        return max(share, _ONE_SLIP)
    if edits == 2 and longest >= 5:
        return max(share, 0.76)
    return share * 0.95


def _by_words(left: tuple[str, ...], right: tuple[str, ...]) -> float:
    """Shared words, a slip of a letter allowed: `cust_name` is near `name` and `customer_name`."""
    if not left or not right:
        return 0.0
    alike = sum(max(_word_match(word, other) for other in right) for word in left)
    back = sum(max(_word_match(word, other) for other in left) for word in right)
    return 0.95 * (alike / len(left) * 0.5 + back / len(right) * 0.5)


def _word_match(left: str, right: str) -> float:
    if left == right:
        return 1.0
    short, long = sorted((left, right), key=len)
    if len(short) >= 3 and long.startswith(short):
        return 0.85
    if len(short) >= 4 and OSA.distance(left, right) == 1:
        return 0.85
    return 0.8 if right in words_like(left) or left in words_like(right) else 0.0
