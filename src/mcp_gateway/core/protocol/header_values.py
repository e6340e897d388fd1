"""Values that travel in `Mcp-Name` and `Mcp-Param-*` headers: plain ASCII as it is, anything else wrapped in Base64.

Revision 2026-07-28, Streamable HTTP, "Standard headers".
"""

import base64
import binascii
import re
from typing import Final

_WRAPPED: Final = re.compile(r"=\?base64\?(.*)\?=")
_PLAIN: Final = re.compile(r"[\x20-\x7e]*")


def encode_value(value: str) -> bytes:
    if _PLAIN.fullmatch(value) and value == value.strip() and not _WRAPPED.fullmatch(value):
        return value.encode("ascii")
    # A lone surrogate has no bytes; the replacement matches no name of ours, as it should.
    return b"=?base64?" + base64.b64encode(value.encode("utf-8", "replace")) + b"?="


def decode_value(value: bytes) -> str | None:
    """None for a wrapping that cannot be undone, or could be in two ways: it equals nothing."""
    text = value.decode("latin-1")
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped is None:
        return text
    try:
        inner = base64.b64decode(wrapped[1], validate=True)
        same = base64.b64encode(inner).decode("ascii") == wrapped[1]
        return inner.decode("utf-8") if same else None
    except (binascii.Error, UnicodeDecodeError):
        return None
