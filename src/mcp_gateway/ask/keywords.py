"""SQL's keywords, and which one a misspelt word was meant to be."""

from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz.distance import OSA

KEYWORDS = (
    "SELECT", "FROM", "WHERE", "GROUP", "ORDER", "BY", "HAVING", "LIMIT", "OFFSET", "JOIN", "INNER", "LEFT", "RIGHT", "OUTER",
    "FULL", "CROSS", "ON", "USING", "AND", "OR", "NOT", "IN", "LIKE", "BETWEEN", "AS", "DISTINCT", "UNION", "INTERSECT",
    "EXCEPT", "ALL", "CASE", "WHEN", "THEN", "ELSE", "END", "IS", "NULL", "ASC", "DESC", "WITH", "EXISTS",
)  # fmt: skip


def near_keyword(word: str, keywords: Iterable[str] = KEYWORDS) -> str | None:
    """The keyword this word is or was meant to be: one slip in a word of four letters, two from six on; None otherwise."""
    return _near(word.upper(), tuple(keywords))


@lru_cache(maxsize=2048)
def _near(word: str, keywords: tuple[str, ...]) -> str | None:
    if word in keywords:
        return word
    if not word.isalpha() or len(word) < 3:
        return None
    best = min(keywords, key=lambda keyword: OSA.distance(word, keyword))
    slips = OSA.distance(word, best)
    allowed = 2 if len(best) >= 6 else 1 if (len(best) >= 3 and sorted(word) == sorted(best)) or len(best) >= 4 else 0
    return best if slips <= allowed else None
