"""One list of one upstream server, read to its end: all its pages, and no more than is good for us."""

from typing import Final, NamedTuple

from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object, render
from mcp_gateway.core.protocol.words import LISTS
from mcp_gateway.federation.catalog.model import KEY_OF, METHOD_OF, Item, ListKind
from mcp_gateway.federation.endings import is_response
from mcp_gateway.federation.errors import UpstreamAnswerTooLarge, UpstreamMisbehaved
from mcp_gateway.federation.model import Client, Reply, Request
from mcp_gateway.federation.ports import Link

MAX_PAGES: Final = 200
MAX_ITEMS: Final = 10_000
# Each is an object made while nothing else is done: some 50 ms for these.
MAX_MEMBERS: Final = 400_000
MAX_ITEM_BYTES: Final = 512 * 1024
MAX_DEPTH: Final = 100
# A server that means days is asked again after one.
MAX_TTL_MS: Final = 24 * 60 * 60 * 1000


class UpstreamSaid(GatewayError):
    """The server answered with an error."""

    code = "UPSTREAM_ERROR"
    category = "unprocessable"
    hint = "The server's own words are in the data."

    def __init__(self, server: str, error: JsonObject) -> None:
        super().__init__(str(error.get("message", ""))[:1_000] or None, server=server, error=error)
        self.error = error


class Read(NamedTuple):
    """`pairs` are the items with what they were made of, in the server's order, each key once."""

    pairs: list[tuple[Item, JsonObject]]
    ttl_ms: int
    public: bool
    meta: JsonObject
    cut: bool
    size: int


NOTHING_READ: Final = Read(pairs=[], ttl_ms=0, public=False, meta={}, cut=False, size=0)


async def read_list(link: Link, kind: ListKind, client: Client, *, max_bytes: int) -> Read:
    """`max_bytes` for all pages together.

    Raises what the link raises, `UpstreamSaid`, `UpstreamMisbehaved` and `UpstreamAnswerTooLarge`.
    """
    pairs: dict[str, tuple[Item, JsonObject]] = {}
    ttl_ms, public, size = MAX_TTL_MS, True, 0
    meta: JsonObject | None = None
    cursor: Json = None
    for _ in range(MAX_PAGES):
        page, length = await _page(link, kind, client, cursor, max_bytes - size)
        size += length
        ttl_ms = min(ttl_ms, _ttl_of(page))
        public = public and page.get("cacheScope") == "public"
        meta = object_at(page, "_meta") if meta is None else meta
        _take(kind, page.get(LISTS[METHOD_OF[kind]]), pairs, link.name)
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str) or len(pairs) >= MAX_ITEMS:
            break
    cut = isinstance(cursor, str) or len(pairs) > MAX_ITEMS
    kept = list(pairs.values())[:MAX_ITEMS]
    return Read(kept, ttl_ms, public, meta or {}, cut, sum(len(item.body) for item, _ in kept))


async def result_of(reply: Reply, server: str, limit: int) -> tuple[JsonObject, int]:
    """The result of a whole reply, and how many bytes were read. Raises as `read_list`."""
    return await _message_of(reply, server, limit)


async def list_of(reply: Reply, server: str, limit: int) -> tuple[JsonObject, int]:
    """The same of a page of a list, which the server's `max_list_bytes` bounds."""
    try:
        return await _message_of(reply, server, limit, most=MAX_MEMBERS)
    except UpstreamAnswerTooLarge as error:
        hint = "Ask whoever runs it for less, or raise the server's max_list_bytes."
        raise UpstreamAnswerTooLarge("The server's list is longer than is read.", hint=hint, server=server) from error


async def _message_of(reply: Reply, server: str, limit: int, most: int | None = None) -> tuple[JsonObject, int]:
    try:
        body = await _whole(reply, server, limit)
    finally:
        await reply.close()
    if most is not None and body.count(b",") > most:
        raise UpstreamAnswerTooLarge(server=server, limit_members=most)
    try:
        message = parse_object(body)
    except ValueError as error:
        raise UpstreamMisbehaved("The server's answer is not JSON.", server=server) from error
    if isinstance(message.get("error"), dict):
        raise UpstreamSaid(server, object_at(message, "error"))
    if not isinstance(message.get("result"), dict):
        raise UpstreamMisbehaved("The server's answer has neither a result nor an error.", server=server)
    return object_at(message, "result"), len(body)


async def _page(link: Link, kind: ListKind, client: Client, cursor: Json, limit: int) -> tuple[JsonObject, int]:
    params: JsonObject = {} if cursor is None else {"cursor": cursor}
    reply = await link.send(Request(id=1, method=METHOD_OF[kind], params=params, client=client))
    return await list_of(reply, link.name, limit)


async def _whole(reply: Reply, server: str, limit: int) -> bytes:
    if reply.body is not None:
        if len(reply.body) > limit:
            raise UpstreamAnswerTooLarge(server=server, limit_bytes=limit)
        return reply.body
    pieces: list[bytes] = []
    size = 0
    source = reply.events if reply.events is not None else reply.chunks
    if source is None:
        raise UpstreamMisbehaved("The server's answer is empty.", server=server)
    async for piece in source:
        size += len(piece)
        if size > limit:
            raise UpstreamAnswerTooLarge(server=server, limit_bytes=limit)
        if reply.events is None or is_response(piece):
            pieces.append(piece)
    return b"".join(pieces)


def _take(kind: ListKind, items: Json, pairs: dict[str, tuple[Item, JsonObject]], server: str) -> None:
    """What has no key, or is longer or deeper than a definition has to be, is left out; of a key said twice the first counts."""
    if not isinstance(items, list):
        raise UpstreamMisbehaved("The server's answer has no list.", server=server)
    for item in items:
        key = item.get(KEY_OF[kind]) if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(key, str) or not key or key in pairs:
            continue
        body = _rendered(item)
        if body is not None and len(body) <= MAX_ITEM_BYTES:
            pairs[key] = (Item(key=key, body=body), item)


def _rendered(item: JsonObject) -> bytes | None:
    """None for one nested so deep that it can only be meant to break something."""
    try:
        body = render(item)
    except RecursionError:
        return None
    opened = body.count(b"{") + body.count(b"[")
    return body if opened <= MAX_DEPTH or _is_shallow(item) else None


def _is_shallow(value: Json, left: int = MAX_DEPTH) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return left > 0 and all(_is_shallow(one, left - 1) for one in inner)


def _ttl_of(page: JsonObject) -> int:
    ttl = page.get("ttlMs")
    return max(0, min(ttl, MAX_TTL_MS)) if isinstance(ttl, int) and not isinstance(ttl, bool) else 0
