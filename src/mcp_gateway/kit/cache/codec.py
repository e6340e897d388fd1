"""How values become bytes for the shared level. JSON unless another codec is given; never pickle, which runs what it reads."""

import json
from typing import Protocol, TypeVar

from mcp_gateway.core.errors import Json

V = TypeVar("V")


# A value that holds itself is found out by the bound on recursion.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False)


class Codec(Protocol[V]):
    """`decode(encode(value))` equals `value`: a value may come back from either level."""

    def encode(self, value: V) -> bytes:
        """Raises `ValueError` or `TypeError` for what cannot be written."""
        ...

    def decode(self, data: bytes) -> V:
        """Raises `ValueError` for what this codec did not write; the cache then loads anew."""
        ...


class JsonCodec:
    """Compact UTF-8 JSON. Tuples come back as lists and keys as text, so hand in lists and text; not-a-number is refused."""

    def encode(self, value: Json) -> bytes:
        return _ENCODER.encode(value).encode()

    def decode(self, data: bytes) -> Json:
        value: Json = json.loads(data)
        return value


class BytesCodec:
    """Bytes as they are."""

    def encode(self, value: bytes) -> bytes:
        return value

    def decode(self, data: bytes) -> bytes:
        return data
