"""Patterns of rules: `*` stands for any number of characters, `?` for one, everything else for itself.

No regular expression is made of a pattern, so none can be made that takes long: matching goes once over the text.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

# Longer than any name of a database or a tool; so a set of positions in a pattern is a small number.
MAX_GLOB_CHARS = 256

_Masks: TypeAlias = dict[str, int]


@dataclass(frozen=True, slots=True)
class Glob:
    """One pattern, made ready by `compile_glob`."""

    pattern: str
    folded: bool
    parts: tuple["_Part", ...] = field(compare=False, repr=False)

    def matches(self, text: str) -> bool:
        if self.folded:
            text = text.casefold()
        first = self.parts[0]
        if len(self.parts) == 1:
            return text == first.text if first.masks is None else len(text) == first.length and first.fits(text, 0)
        last = self.parts[-1]
        if len(text) < first.length + last.length or not first.fits(text, 0):
            return False
        end = len(text) - last.length
        if not last.fits(text, end):
            return False
        position = first.length
        for part in self.parts[1:-1]:
            # The leftmost place is never wrong: whatever follows a star may begin anywhere after it.
            found = part.find(text, position, end)
            if found < 0:
                return False
            position = found + part.length
        return True


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of a pattern between two stars. `masks`, for one with `?`: at which of its places a character may stand."""

    text: str
    length: int
    masks: _Masks | None

    def fits(self, text: str, position: int) -> bool:
        """Whether it stands in the text exactly here; the caller has seen that the text is long enough."""
        if self.masks is None:
            return text.startswith(self.text, position)
        return all(wanted in ("?", text[position + place]) for place, wanted in enumerate(self.text))

    def find(self, text: str, start: int, end: int) -> int:
        """Where it stands first within these bounds; -1 when nowhere."""
        if self.masks is None:
            return text.find(self.text, start, end)
        return self._find_with_gaps(text, start, end, self.masks)

    def _find_with_gaps(self, text: str, start: int, end: int, masks: _Masks) -> int:
        """Shift-and: bit n of `begun` says that the last n + 1 characters fit the first n + 1 places."""
        anything, done, begun = masks["?"], 1 << (self.length - 1), 0
        for position in range(start, end):
            begun = (begun << 1 | 1) & masks.get(text[position], anything)
            if begun & done:
                return position - self.length + 1
        return -1


def compile_glob(pattern: str, *, folded: bool = False) -> Glob:
    """`folded`: upper and lower case are the same, as in the names of SQL. Raises `ValueError` when it is too long or empty."""
    if not pattern or len(pattern) > MAX_GLOB_CHARS:
        raise ValueError(f"a pattern has 1 to {MAX_GLOB_CHARS} characters")
    written = pattern.casefold() if folded else pattern
    return Glob(pattern, folded, tuple(_part(text) for text in written.split("*")))


def _part(text: str) -> _Part:
    return _Part(text, len(text), _masks(text) if "?" in text else None)


def _masks(text: str) -> _Masks:
    """For each character of the text the places it may stand at. Under "?", those of every character that is not in it."""
    anything = sum(1 << place for place, wanted in enumerate(text) if wanted == "?")
    masks = {"?": anything}
    for place, wanted in enumerate(text):
        if wanted != "?":
            masks[wanted] = masks.get(wanted, anything) | 1 << place
    return masks
