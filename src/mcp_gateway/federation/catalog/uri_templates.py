"""Whether a URI is one of a template's (RFC 6570, levels 1 to 3).

Templates are what strangers wrote, so the time taken grows with the length of the URI alone, whatever the template says.
"""

import re
from typing import Final

MAX_TEMPLATE: Final = 2_000
MAX_URI: Final = 8_192
_EXPRESSION: Final = re.compile(r"\{([+#./;?&]?)([^{}]*)\}")
# What a value may not contain, by the expression's operator; anything where it is not here.
_STOPS: Final = {"": "/?#", ".": "/?#", "/": "?#", ";": "/?#", "?": "#", "&": "#"}
# Of the variants that may be left away altogether the operator's own character goes with them, so it is part of the value.


class Template:
    """Matching simulates a small automaton, all of its states at once as the bits of one number."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._usable = len(text) <= MAX_TEMPLATE
        steps = _steps(text) if self._usable else []
        self.prefix = "".join(_takewhile_literal(steps))
        self.literals = sum(isinstance(step, _Literal) for step in steps)
        self._end = 1 << len(steps)
        self._stars = sum(1 << place for place, step in enumerate(steps) if isinstance(step, _Star))
        self._literal_at: dict[str, int] = {}
        self._stopped_by: dict[str, int] = {}
        for place, step in enumerate(steps):
            if isinstance(step, _Literal):
                self._literal_at[step.char] = self._literal_at.get(step.char, 0) | 1 << place
            else:
                for char in step.stops:
                    self._stopped_by[char] = self._stopped_by.get(char, 0) | 1 << place

    def matches(self, uri: str) -> bool:
        if not self._usable or len(uri) > MAX_URI or not uri.startswith(self.prefix):
            return False
        states = self._skip(1)
        for char in uri:
            stay = states & self._stars & ~self._stopped_by.get(char, 0)
            states = self._skip((states & self._literal_at.get(char, 0)) << 1 | stay)
            if not states:
                return False
        return bool(states & self._end)

    def _skip(self, states: int) -> int:
        """A variable may be empty; no two stand next to each other."""
        return states | (states & self._stars) << 1


class _Literal:
    __slots__ = ("char",)

    def __init__(self, char: str) -> None:
        self.char = char


class _Star:
    __slots__ = ("stops",)

    def __init__(self, stops: frozenset[str]) -> None:
        self.stops = stops


def _steps(text: str) -> list[_Literal | _Star]:
    steps: list[_Literal | _Star] = []
    place = 0
    for found in _EXPRESSION.finditer(text):
        steps += map(_Literal, text[place : found.start()])
        stops = frozenset(_STOPS.get(found[1], ""))
        if steps and isinstance(steps[-1], _Star):
            stops &= steps.pop().stops  # type: ignore[union-attr]  # it was looked at
        steps.append(_Star(stops))
        place = found.end()
    steps += map(_Literal, text[place:])
    return steps


def _takewhile_literal(steps: list[_Literal | _Star]) -> list[str]:
    chars: list[str] = []
    for step in steps:
        if not isinstance(step, _Literal):
            break
        chars.append(step.char)
    return chars
