"""The lists of one server as it gives them, page by page, with what is odd about them left in."""

from dataclasses import dataclass
from typing import Final

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject, render
from mcp_gateway.core.protocol.words import LISTS
from mcp_gateway.federation.catalog.costs import BYTES_PER_TOKEN, tokens_of
from mcp_gateway.federation.catalog.reading import list_of
from mcp_gateway.federation.model import Client, Request
from mcp_gateway.federation.ports import Link
from mcp_gateway.registry.inspection import ListFacts, ListKind

MAX_PAGES: Final = 50
MAX_ITEMS: Final = 5_000
METHODS: Final[dict[ListKind, str]] = {
    "tools": "tools/list",
    "prompts": "prompts/list",
    "resources": "resources/list",
    "templates": "resources/templates/list",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadList:
    """`took_ms` is of the first page; `ttl_ms` None: the server gave no hint how long the list may be kept."""

    kind: ListKind
    items: tuple[JsonObject, ...]
    bytes: int
    took_ms: float
    complete: bool
    ttl_ms: int | None
    nameless: int

    def facts(self) -> ListFacts:
        tokens = sum(map(tokens_of, self.items)) if self.kind == "tools" else -(-self.bytes // BYTES_PER_TOKEN)
        return ListFacts(
            kind=self.kind,
            count=len(self.items),
            bytes=self.bytes,
            tokens=tokens,
            took_ms=self.took_ms,
            complete=self.complete,
        )


async def read_list(link: Link, kind: ListKind, client: Client, clock: Clock, *, max_bytes: int) -> ReadList:
    """`max_bytes` for all pages together. Raises what the link raises, and what an answer that is no list amounts to."""
    items: list[JsonObject] = []
    taken = nameless = 0
    first_ms: float | None = None
    ttl: int | None = None
    cursor: Json = None
    for _ in range(MAX_PAGES):
        params: JsonObject = {} if cursor is None else {"cursor": cursor}
        begun = clock.monotonic()
        reply = await link.send(Request(id=1, method=METHODS[kind], params=params, client=client))
        page, size = await list_of(reply, link.name, max_bytes - taken)
        first_ms = (clock.monotonic() - begun) * 1000 if first_ms is None else first_ms
        taken += size
        ttl = _ttl(page)
        found = page.get(LISTS[METHODS[kind]])
        good = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        nameless += (len(found) if isinstance(found, list) else 1) - len(good)
        items += good
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str) or len(items) > MAX_ITEMS or taken >= max_bytes:
            break
    kept = tuple(items[:MAX_ITEMS])
    return ReadList(
        kind=kind,
        items=kept,
        bytes=sum(len(render(one)) for one in kept),
        took_ms=first_ms or 0.0,
        complete=not isinstance(cursor, str) and len(items) <= MAX_ITEMS,
        ttl_ms=ttl,
        nameless=nameless,
    )


def _ttl(page: JsonObject) -> int | None:
    ttl = page.get("ttlMs")
    return None if isinstance(ttl, bool) or not isinstance(ttl, int | float) else int(min(max(ttl, 0), 1 << 40))
