"""From what the SDK raises to the errors of the house. Texts name the server and never carry headers, queries or data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import httpx2
from mcp.shared.exceptions import MCPError
from mcp.types import CONNECTION_CLOSED, INVALID_REQUEST, REQUEST_TIMEOUT
from pydantic import ValidationError

from mcp_gateway.adapters.upstream.exchange import Exchange
from mcp_gateway.ask.configuration import MCPServerConfig
from mcp_gateway.core.errors import MCPConnectionError, TimedOut

# unreached: the server never saw the request. lost: it may have. refused: it answered, and trying again will not help.
Kind = Literal["unreached", "lost", "busy", "timeout", "refused"]
# Statuses that a server or the proxy before it sends while it is starting or overloaded.
_BUSY = (429, 502, 503, 504)
_MAX_WORDS = 500
TOO_LARGE_EVENT = "its response is larger than max_response_bytes, or no event stream"


@dataclass(frozen=True, slots=True)
class Failure:
    """`gone`: nothing more can be sent on this connection."""

    kind: Kind
    words: str
    gone: bool = False


def classify(error: BaseException, exchange: Exchange) -> Failure:
    """What an error of the SDK or the transport under it means."""
    if exchange.too_large:
        return Failure("refused", "its response is larger than max_response_bytes")
    if exchange.encoded:
        return Failure("refused", "its response is compressed, which was not asked for")
    if exchange.status in _BUSY:
        return Failure("busy", f"it answered with HTTP {exchange.status}")
    if exchange.status in (401, 403):
        return Failure("refused", f"it answered with HTTP {exchange.status}: check the headers that carry its credentials")
    match error:
        case TimeoutError() | httpx2.ConnectTimeout() | httpx2.PoolTimeout():
            return Failure("timeout", "it did not answer in time")
        case httpx2.SSEError():
            return Failure("refused", TOO_LARGE_EVENT)
        case httpx2.ConnectError():
            return Failure("unreached", _connect_words(error))
        case httpx2.TransportError():
            return Failure("lost", "the connection broke")
        case MCPError():
            return _classify_protocol(error, exchange)
        case ValidationError():
            return Failure("refused", "its answer breaks the protocol")
        case OSError():
            return Failure("unreached", f"it cannot be started: {error.strerror or type(error).__name__}")
    status = f" (HTTP {exchange.status})" if exchange.status else ""
    return Failure("refused", f"it does not answer as an MCP server{status}")


def _classify_protocol(error: MCPError, exchange: Exchange) -> Failure:
    if error.code == REQUEST_TIMEOUT:
        return Failure("timeout", "it did not answer in time")
    if error.message.startswith("SSE stream failed"):
        return Failure("refused", TOO_LARGE_EVENT)
    # The code alone says nothing: it is -32000, which servers use for errors of their own.
    if error.code == CONNECTION_CLOSED and error.message.startswith(("Connection closed", "SSE stream ended")):
        return Failure("lost", "the connection broke", gone=error.message == "Connection closed")
    if error.code == INVALID_REQUEST and exchange.status == 404:
        return Failure("unreached", "it has forgotten the session", gone=True)
    if exchange.status:
        return Failure("refused", f"it answered with HTTP {exchange.status}: {shortened(error.message)}")
    return Failure("refused", shortened(error.message))


def _connect_words(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return "nothing listens there (connection refused)"
        cause = cause.__cause__ or cause.__context__
    return f"no connection ({shortened(str(error)) or 'refused'})"


def connection_error(config: MCPServerConfig, failure: Failure, *, tries: int) -> MCPConnectionError:
    """The error for a server that cannot be used at all."""
    where = address(config)
    message = f"The MCP server {config.key} at {where} cannot be used: {failure.words}."
    return MCPConnectionError(message, server=config.key, transport=config.transport, address=where, tries=tries)


def timed_out(config: MCPServerConfig, what: str, seconds: float) -> TimedOut:
    message = f"The MCP server {config.key} did not answer {what} within {seconds:g} s."
    hint = "See whether the server is overloaded; timeout_seconds and tool_timeout_seconds in its configuration set the limits."
    return TimedOut(message, hint=hint, server=config.key, seconds=seconds)


def address(config: MCPServerConfig) -> str:
    """Where the server is, fit for logs: without user, query and arguments."""
    if config.transport == "stdio":
        return config.command
    if not config.url:
        return "this process"
    parts = urlsplit(config.url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def shortened(words: str) -> str:
    """Somebody else's words on one line of bounded length."""
    flat = " ".join(words.split())
    return flat if len(flat) <= _MAX_WORDS else flat[: _MAX_WORDS - 1] + "…"


def text_of(value: object) -> str:
    return value if isinstance(value, str) else ""


def mapping_of(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
