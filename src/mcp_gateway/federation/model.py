"""A request on its way through the gateway, and what comes back. Values only; all of it in the words of revision 2026-07-28."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, MessageId
from mcp_gateway.core.protocol.revisions import MODERN, Era
from mcp_gateway.core.values import call_value

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]


async def _nothing() -> None:
    """For replies that hold nothing open."""


@call_value
class Client:
    """Who sent a request, as its upstream may come to know it.

    `revision` is the one the client speaks. `info` and `capabilities` are what it declared, verbatim; `info` None: nothing.
    `session` is its session in an older era, "" where there is none. `token` is its own credential: for the token exchange
    alone, and never sent on. `trace` are its trace headers.
    """

    caller: Caller
    revision: str = MODERN
    info: JsonObject | None = None
    capabilities: JsonObject = field(default_factory=dict)
    log_level: str | None = None
    session: str = ""
    trace: Headers = ()
    token: str | None = field(default=None, repr=False)


@call_value
class Request:
    """One request of a client. `params` holds `_meta` as the client sent it, without the keys of `words.ENVELOPE_KEYS`.

    `body` are the very bytes the client sent, when they are a request of 2026-07-28 that fits this one; None: they must be made
    (`envelope.body_of`). `headers` are the `Mcp-Param-*` of the client, lower case; None: the client sends none, so whoever
    needs them makes them from the tool's schema.
    """

    id: MessageId
    method: str
    params: JsonObject
    client: Client
    body: bytes | None = None
    headers: Headers | None = None

    @property
    def name(self) -> str:
        """The tool, prompt, URI or task it is about; "" for none."""
        value = self.params.get("name") or self.params.get("uri") or self.params.get("taskId")
        return value if isinstance(value, str) else ""


@call_value
class Reply:
    """What came back. Exactly one of three:

    - `body`: the whole answer, one JSON-RPC response as bytes;
    - `chunks`: the same, too long to hold: pieces of one JSON-RPC response;
    - `events`: complete JSON-RPC messages in order, notifications first, the response last (`subscriptions/listen`: at its end).

    `status` is the HTTP status that belongs to it (200, or what `words.HTTP_STATUS_OF` says of an error). Whoever takes a reply
    either reads it to its end or calls `close`, which cancels the request at the upstream; closing twice does nothing.
    """

    status: int = 200
    body: bytes | None = None
    chunks: AsyncIterator[bytes] | None = None
    events: AsyncIterator[bytes] | None = None
    close: Callable[[], Awaitable[None]] = _nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamFacts:
    """What a server said of itself when it was last asked (`server/discover`, or the handshake of an older era).

    `revision` is the one spoken with it; `extensions` are in `capabilities`. `info` is its serverInfo.
    `ttl_ms` 0: not to be kept.
    """

    era: Era
    revision: str
    supported: tuple[str, ...]
    capabilities: JsonObject
    info: JsonObject
    instructions: str = ""
    ttl_ms: int = 0


ChangeKind: TypeAlias = Literal["tools", "prompts", "resources", "resource", "other", "lost"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something an upstream announced. `uri` is set for "resource"; `message` is the notification, verbatim.

    "lost": announcements may have been missed since the last one, so nothing kept from this server holds any longer; `server` ""
    then means every server. `identity` "": it concerns whoever uses the server; otherwise one caller alone (`identity_of`).
    """

    server: str
    kind: ChangeKind
    uri: str = ""
    message: JsonObject = field(default_factory=dict)
    identity: str = ""
