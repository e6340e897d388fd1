"""Lifetimes as people write them: 30m, 8h, 7d."""

import re
from typing import Final

from mcp_gateway.access.errors import TokenNotIssuable

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_LIFETIME: Final = re.compile(r"([0-9]{1,7})([smhd])", re.ASCII)


def read_lifetime(text: str) -> float:
    """Seconds. Raises `TokenNotIssuable` for anything but a whole number and one unit. The bounds are the issuer's."""
    found = _LIFETIME.fullmatch(text.strip().lower())
    if found is None:
        raise TokenNotIssuable("A lifetime is a number and a unit: 30m, 8h or 7d.")
    return int(found[1]) * _UNITS[found[2]]


def write_lifetime(seconds: float) -> str:
    """The same in the largest unit that needs no fraction."""
    unit = max((unit for unit, length in _UNITS.items() if seconds % length == 0), key=_UNITS.__getitem__, default="s")
    return f"{seconds / _UNITS[unit]:g}{unit}"
