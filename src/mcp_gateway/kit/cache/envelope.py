"""What the shared level stores for a key: one byte that says which kind, then the value, or a loader's error as JSON."""

import json
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar, cast

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.kit.cache.codec import Codec

V = TypeVar("V")

_VALUE, _NOTHING, _ERROR = b"v", b"n", b"e"


class Found(NamedTuple, Generic[V]):
    """`negative`: the loader found nothing (`value` is None) or raised `error`."""

    value: V
    error: GatewayError | None = None
    negative: bool = False


def wrap_value(codec: Codec[V], value: V) -> bytes:
    """Raises what the codec raises."""
    return _NOTHING if value is None else _VALUE + codec.encode(value)


def wrap_error(error: GatewayError) -> bytes:
    return _ERROR + json.dumps(error.to_dict()).encode()


def unwrap(codec: Codec[V], payload: bytes, errors: Sequence[type[GatewayError]]) -> Found[V]:
    """Raises `ValueError` for what this cache, with this codec and these negative errors, did not write."""
    kind, body = payload[:1], payload[1:]
    if kind == _VALUE:
        return Found(codec.decode(body))
    nothing = cast("V", None)
    if kind == _NOTHING:
        return Found(nothing, negative=True)
    if kind == _ERROR:
        return Found(nothing, error=_read_error(body, errors), negative=True)
    raise ValueError("not an entry of this cache")


def _read_error(body: bytes, errors: Sequence[type[GatewayError]]) -> GatewayError:
    shape = json.loads(body)
    for kind in errors if isinstance(shape, dict) else ():
        if kind.code == shape.get("code"):
            # Leaves may take arguments of their own; the tree's root takes what every error has.
            error = kind.__new__(kind)
            data = shape.get("data")
            GatewayError.__init__(
                error,
                str(shape.get("message", "")),
                hint=str(shape.get("hint", "")),
                **(data if isinstance(data, dict) else {}),
            )
            return error
    raise ValueError("an error that this cache does not remember")
