"""A question cut into tokens: words with their stems, numbers, quoted text, punctuation.

Positions are those of the question as asked, so that whatever is found can be shown in place. Only English is understood.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import snowballstemmer

TokenKind = Literal["word", "number", "quoted", "mark"]

_PATTERN = re.compile(
    r"""
    (?P<quoted>"[^"]{1,200}"|“[^”]{1,200}”|‘[^’]{1,200}’|`[^`]{1,200}`|(?<![A-Za-z0-9])'(?:[^']|'(?=[a-z]\b)){1,200}'(?![A-Za-z0-9]))
  | (?P<date>\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2})?)?(?![\w-]))
  | (?P<number>(?<![A-Za-z0-9])(?:(?<![^\s(=<>])[-+])?\$?\d[\d,]*(?:\.\d+)?%?(?![A-Za-z_]*\d)(?:(?=\b)|(?=[^A-Za-z0-9])|$))
  | (?P<negation>n['’]t\b)
  | (?P<word>[^\W_]+?(?=n['’]t\b)|[^\W_]+(?:_[^\W_]+)*)
  | (?P<possessive>['’]s?\b|['’](?=\s|$))
  | (?P<mark><=|>=|!=|<>|[^\w\s])
    """,
    re.VERBOSE,
)
_IRREGULAR = {"people": "person", "persons": "person", "children": "child", "men": "man", "women": "woman", "media": "medium",
              "indices": "index", "criteria": "criterion", "analyses": "analysis", "staffs": "staff", "feet": "foot",
              "bought": "buy", "sold": "sell", "sales": "sale", "taught": "teach", "paid": "pay", "spent": "spend",
              "movies": "movie", "series": "series", "taken": "take", "took": "take", "written": "write", "wrote": "write",
              "won": "win", "made": "make", "held": "hold", "ran": "run", "driven": "drive"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """question[start:end] as `text`; `low` folded; `stem` compares word forms; `number` for digits only."""

    text: str
    low: str
    stem: str
    start: int
    end: int
    kind: TokenKind
    number: int | float | None = None


@lru_cache(maxsize=1)
def _stemmer() -> "snowballstemmer.stemmer":
    return snowballstemmer.stemmer("english")


@lru_cache(maxsize=20_000)
def stem_of(word: str) -> str:
    """The stem of one word, folded; irregular plurals and a few irregular verbs included."""
    low = word.lower()
    low = _IRREGULAR.get(low, low)
    return str(_stemmer().stemWord(low))


def number_of(text: str) -> int | float | None:
    """The value of digits as people write them: 1,200 or $30.5 or 15%."""
    digits = text.replace(",", "").replace("$", "").rstrip("%")
    try:
        return float(digits) if "." in digits else int(digits)
    except ValueError:
        return None


def tokenize(question: str) -> tuple[Token, ...]:
    """The tokens of a question in order. "don't" becomes "do" and "not"; a possessive 's becomes its own token "'s"."""
    tokens: list[Token] = []
    for match in _PATTERN.finditer(question):
        text, start, end = match.group(), match.start(), match.end()
        if match.lastgroup == "quoted":
            tokens.append(Token(text[1:-1].strip(), text[1:-1].strip().lower(), "", start, end, "quoted"))
        elif match.lastgroup == "number":
            tokens.append(Token(text, text.lower(), text, start, end, "number", number_of(text)))
        elif match.lastgroup == "date":
            tokens.append(Token(text, text.lower(), "", start, end, "quoted"))
        elif match.lastgroup == "possessive":
            tokens.append(Token(text, "'s", "'s", start, end, "mark"))
        elif match.lastgroup == "negation":
            tokens.append(Token(text, "not", "not", start, end, "word"))
        elif match.lastgroup == "word":
            low = text.lower()
            tokens.append(Token(text, low, stem_of(low), start, end, "word"))
        else:
            tokens.append(Token(text, text, text, start, end, "mark"))
    return tuple(_scaled(tokens))


_SCALES = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "mio": 1_000_000, "million": 1_000_000, "bn": 10**9, "billion": 10**9}
_WITH_SCALE = re.compile(r"\$?(\d+(?:\.\d+)?)(k|m|bn)")


def _scaled(tokens: list[Token]) -> list[Token]:
    """ "80k" and "1.5 million" as one number each."""
    made: list[Token] = []
    for token in tokens:
        glued = _WITH_SCALE.fullmatch(token.low) if token.kind == "word" else None
        before = made[-1] if made else None
        if glued is not None:
            value = float(glued.group(1)) * _SCALES[glued.group(2)]
            made.append(replace(token, kind="number", number=int(value) if value.is_integer() else value))
        elif before is not None and before.number is not None and len(token.low) > 2 and token.low in _SCALES:
            text = f"{before.text} {token.text}"
            made[-1] = Token(
                text, text.lower(), before.stem, before.start, token.end, "number", before.number * _SCALES[token.low]
            )
        else:
            made.append(token)
    return made
