"""Any value a database driver hands out, as a JSON value that says the same.

Decimals become numbers while they fit a double exactly enough (15 digits), text beyond; integers beyond 2**53 text; dates
and times ISO 8601 text; bytes base64 text; NaN and the infinities text; lists, structs and maps their JSON counterparts.
"""

import base64
import itertools
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from mcp_gateway.core.errors import Json

_LARGEST_EXACT_INTEGER = 2**53
_EXACT_DIGITS = 15
# Deeper nesting than any honest value has; beyond it the text of the value is given.
_MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class SizedValue:
    """A JSON value and about how many bytes it takes as JSON text."""

    value: Json
    size: int


def to_json(value: object, max_bytes: int) -> SizedValue:
    """The value as JSON, cut with a visible mark when its text is longer than `max_bytes`."""
    if value is None or isinstance(value, bool):
        return SizedValue(value, 5)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _bytes(bytes(value), max_bytes)
    if isinstance(value, str):
        return _text(value, max_bytes)
    if _parts(value) > max_bytes:
        return _parted(value, max_bytes)
    converted = _convert(value, 0)
    if isinstance(converted, str):
        return _text(converted, max_bytes)
    if isinstance(converted, (list, dict)):
        text = json.dumps(converted, ensure_ascii=False)
        return _text(text, max_bytes) if len(text) > max_bytes else SizedValue(converted, len(text))
    return SizedValue(converted, 12)


def _parts(value: object) -> int:
    return len(value) if isinstance(value, (Mapping, list, tuple, set, frozenset)) else 0


def _parted(value: object, max_bytes: int) -> SizedValue:
    """A list or map whose parts alone are more than the text may be long: its beginning, the rest not even looked at."""
    if isinstance(value, Mapping):
        first: object = dict(itertools.islice(value.items(), max_bytes))
    else:
        first = list(itertools.islice(value, max_bytes)) if isinstance(value, Iterable) else []
    text = json.dumps(_convert(first, 0), ensure_ascii=False)
    kept = text[:max_bytes].encode("utf-8", "replace")[:max_bytes].decode("utf-8", "ignore")
    return SizedValue(f"{kept}… [cut: {_parts(value)} values in all]", max_bytes + 48)


def _text(text: str, max_bytes: int) -> SizedValue:
    if text.isascii() and len(text) <= max_bytes:
        return SizedValue(text, len(text) + 2)
    # Each character is a byte at least: what lies beyond the cap need not be encoded to be left out.
    encoded = text[: max_bytes + 1].encode("utf-8", "replace")
    if len(encoded) <= max_bytes:
        return SizedValue(encoded.decode(), len(encoded) + 2)
    kept = encoded[:max_bytes].decode("utf-8", "ignore")
    return SizedValue(f"{kept}… [cut: {len(kept)} of {len(text)} characters]", max_bytes + 48)


def _bytes(data: bytes, max_bytes: int) -> SizedValue:
    room = max_bytes * 3 // 4
    text = base64.b64encode(data[:room]).decode("ascii")
    if len(data) > room:
        text = f"{text}… [cut: {room} of {len(data)} bytes]"
    return SizedValue(text, len(text) + 2)


def _convert(value: object, depth: int) -> Json:
    if value is None or isinstance(value, (bool, str)):
        return value.encode("utf-8", "replace").decode() if isinstance(value, str) and not value.isascii() else value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST_EXACT_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else _not_finite(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode("ascii")
    if depth >= _MAX_DEPTH:
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _convert(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_convert(item, depth + 1) for item in value]
    return str(value)


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _decimal(value: Decimal) -> Json:
    if not value.is_finite():
        return "NaN" if value.is_nan() else _not_finite(float(value))
    sign_digits_exponent = value.as_tuple()
    exponent = sign_digits_exponent.exponent
    if len(sign_digits_exponent.digits) > _EXACT_DIGITS:
        normal = value.normalize()
        if len(normal.as_tuple().digits) > _EXACT_DIGITS:
            return format(value, "f")
    if isinstance(exponent, int) and exponent >= 0 and abs(value) <= _LARGEST_EXACT_INTEGER:
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else str(value)


def _duration(value: timedelta) -> str:
    """ISO 8601: P1DT2H3M4.5S; a negative one has its sign in front."""
    if value < timedelta(0):
        return "-" + _duration(-value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06d}".rstrip("0") if value.microseconds else ""
    clock = "".join(
        [f"{hours}H" if hours else "", f"{minutes}M" if minutes else "", f"{seconds}{fraction}S" if seconds or fraction else ""]
    )
    days = f"{value.days}D" if value.days else ""
    if not days and not clock:
        return "PT0S"
    return f"P{days}T{clock}" if clock else f"P{days}"
