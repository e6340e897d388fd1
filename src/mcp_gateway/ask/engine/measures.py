"""Units of time, length and mass, so that "longer than two hours" finds more than 120 in a column of minutes.

A column's unit is read from its name (`minutes`, `weight_kg`); one whose name has none takes numbers as they are said.
"""

from collections.abc import Iterable

from mcp_gateway.ask.engine.text import stem_of

_TIME = {
    "milliseconds": 0.001, "ms": 0.001, "seconds": 1, "sec": 1, "secs": 1, "minutes": 60, "min": 60, "mins": 60,
    "hours": 3_600, "hrs": 3_600, "hr": 3_600, "days": 86_400, "weeks": 604_800,
}  # fmt: skip
_LENGTH = {
    "millimeters": 0.001, "mm": 0.001, "centimeters": 0.01, "cm": 0.01, "meters": 1, "metres": 1,
    "kilometers": 1_000, "kilometres": 1_000, "km": 1_000,
}  # fmt: skip
_MASS = {"grams": 0.001, "kilograms": 1, "kilos": 1, "kg": 1, "tons": 1_000, "tonnes": 1_000}

_SIZES: dict[str, tuple[str, float]] = {
    stem_of(word): (dimension, size)
    for dimension, sizes in (("time", _TIME), ("length", _LENGTH), ("mass", _MASS))
    for word, size in sizes.items()
}


def in_column_unit(number: float, said: str, slots: Iterable[str]) -> float:
    """`number` of the unit with the stem `said`, in the unit that a column's stems tell; unchanged where either has none."""
    spoken = _SIZES.get(said)
    stored = next((_SIZES[slot] for slot in slots if slot in _SIZES), None)
    if spoken is None or stored is None or spoken[0] != stored[0] or spoken[1] == stored[1]:
        return number
    converted = number * spoken[1] / stored[1]
    return int(converted) if converted == int(converted) else converted
