"""What was found in a text a model will read. Values only."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Severity: TypeAlias = Literal["low", "medium", "high"]

WEIGHTS: Final[dict[Severity, int]] = {"low": 1, "medium": 2, "high": 3}
# One severe finding, or two lesser ones of different rules that come together.
SUSPICIOUS_FROM: Final = 3
_EXCERPT: Final = 120
_PLAIN: Final = frozenset({"Ll", "Lu", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc",
                           "Sk", "So", "Zs", "Mn", "Mc"})  # fmt: skip
# Letters to Unicode, nothing on a screen.
_INVISIBLE_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """`path` says where in the definition, `rule` which one spoke, `excerpt` what it saw and what stands around it, with nothing
    invisible in it. `matched` is what it saw alone: to know it again, not to show it.
    """

    rule: str
    severity: Severity
    path: str
    excerpt: str
    matched: str = ""

    def words(self) -> str:
        return f"{self.path}: {self.rule}: {self.excerpt}"


def weight_of(findings: Iterable[Finding]) -> int:
    """Each rule counts once, however often it speaks."""
    heaviest: dict[str, int] = {}
    for finding in findings:
        heaviest[finding.rule] = max(heaviest.get(finding.rule, 0), WEIGHTS[finding.severity])
    return sum(heaviest.values())


def is_suspicious(findings: Iterable[Finding]) -> bool:
    return weight_of(findings) >= SUSPICIOUS_FROM


def printable(text: str, start: int = 0, end: int | None = None) -> str:
    """A piece of a text around what was found, on one line, invisible characters by their numbers."""
    end = len(text) if end is None else end
    begin = max(0, start - 30)
    piece = text[begin : min(len(text), max(end, begin + _EXCERPT), begin + 4 * _EXCERPT)]
    shown = "".join(visible(character) for character in piece)
    more = begin + len(piece) < len(text) or len(shown) > 2 * _EXCERPT
    return f"{'…' if begin else ''}{shown[: 2 * _EXCERPT]}{'…' if more else ''}"


def visible(character: str) -> str:
    """The character, or its number where it shows as nothing, or as something else. Line ends become spaces."""
    if character in "\n\r\t":
        return " "
    if unicodedata.category(character) in _PLAIN and character not in _INVISIBLE_LETTERS and not _selects(character):
        return character
    return f"<U+{ord(character):04X}>"


def _selects(character: str) -> bool:
    """Variation selectors: marks to Unicode, nothing on a screen."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
