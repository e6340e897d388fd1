"""The bytes and headers of a request as a server of 2026-07-28 wants them."""

from typing import Final

from mcp_gateway.core.protocol.frames import JsonObject, render
from mcp_gateway.core.protocol.header_values import encode_value
from mcp_gateway.core.protocol.revisions import MODERN
from mcp_gateway.core.protocol.words import (
    CAPABILITIES_KEY,
    INFO_KEY,
    LOG_LEVEL_KEY,
    METHOD_HEADER,
    NAME_HEADER,
    NAMED_BY,
    VERSION_HEADER,
    VERSION_KEY,
)
from mcp_gateway.federation.model import Client, Headers, Request

# Older clients hear what the server chooses until they set a level; a server of 2026-07-28 chooses nothing by itself.
LEVEL_OF_OLDER: Final = "info"
_VERSION: Final = (VERSION_HEADER, MODERN.encode())


def meta_of(client: Client, params: JsonObject) -> JsonObject:
    """The `_meta` of these parameters with the envelope of 2026-07-28."""
    own = params.get("_meta")
    meta: JsonObject = dict(own) if isinstance(own, dict) else {}
    meta[VERSION_KEY] = MODERN
    meta[CAPABILITIES_KEY] = client.capabilities
    if client.info is not None:
        meta[INFO_KEY] = client.info
    level = client.log_level or (LEVEL_OF_OLDER if client.revision != MODERN else None)
    if level is not None:
        meta[LOG_LEVEL_KEY] = level
    return meta


def body_of(request: Request) -> bytes:
    """The bytes the client sent where they fit, and made anew otherwise."""
    if request.body is not None:
        return request.body
    params = {**request.params, "_meta": meta_of(request.client, request.params)}
    return render({"jsonrpc": "2.0", "id": request.id, "method": request.method, "params": params})


def method_headers(method: str) -> Headers:
    """Those that are the same for every request of a method."""
    return (_VERSION, (METHOD_HEADER, method.encode("latin-1", "replace")))


def headers_of(request: Request) -> Headers:
    """The headers that repeat parts of the body, those of the client's parameters, and its trace."""
    headers = [*method_headers(request.method)]
    key = NAMED_BY.get(request.method)
    name = request.params.get(key) if key is not None else None
    if isinstance(name, str):
        headers.append((NAME_HEADER, encode_value(name)))
    return (*headers, *(request.headers or ()), *request.client.trace)
