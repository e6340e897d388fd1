"""Texts within texts: what is written in base64, hexadecimal or percent signs, read as a model would."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}={0,2}")
_HEX: Final = re.compile(
    r"(?<![0-9A-Fa-f])(?:[0-9a-fA-F]{2}[\s:]?){16,}(?![0-9A-Fa-f])|(?:\\x[0-9a-fA-F]{2}){6,}|(?:\\u00[0-9a-fA-F]{2}){6,}"
)
_PERCENT: Final = re.compile(r"(?:%[0-9a-fA-F]{2}[^%\s]{0,3}){8,}")
_AT_MOST: Final = 20


def hidden_texts(text: str) -> Iterator[str]:
    """What decodes to words; keys, hashes and pictures do not."""
    for found in _some(_BASE64, text):
        padded = found.replace("-", "+").replace("_", "/")
        try:
            yield from _words(base64.b64decode(padded + "=" * (-len(padded) % 4)))
        except (binascii.Error, ValueError):
            continue
    for found in _some(_HEX, text):
        digits = re.sub(r"\\x|\\u00|[\s:]", "", found)
        yield from _words(bytes.fromhex(digits[: len(digits) // 2 * 2]))
    for found in _some(_PERCENT, text):
        yield from _words(unquote(found).encode())


def _some(pattern: re.Pattern[str], text: str) -> list[str]:
    return [found.group() for _, found in zip(range(_AT_MOST), pattern.finditer(text), strict=False)]


def _words(data: bytes) -> Iterator[str]:
    try:
        said = data.decode()
    except UnicodeDecodeError:
        return
    if len(said) >= 12 and " " in said.strip() and sum(one.isprintable() for one in said) > 0.95 * len(said):
        yield said
