"""What servers said, kept for as long as each vouched for it: by the kit's cache, in this process or for all replicas.

A server's resources share a tag, so all of them can be dropped at once. Which copies may be used at all, and what a live watch
vouches for, is `resource_cache.py`; a watch belongs to one process, so nothing it vouches for lies here.
"""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

from mcp_gateway.ask.configuration import MCPServerConfig
from mcp_gateway.ask.ports import Resource, ResourceContent, ResourceListing
from mcp_gateway.core.clock import Clock
from mcp_gateway.kit.cache.cache import Cache
from mcp_gateway.kit.cache.model import CachePolicy
from mcp_gateway.kit.cache.ports import SharedLevel
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.figures import NO_FIGURES, Figures

# Schema and words belong to the servers, not to a tenant.
TENANT = "servers"
# Longest a copy is kept, whatever its server says.
LONGEST_SECONDS = 86_400.0
# A server's own limits are tighter; this one stands behind them.
LOAD_SECONDS = 600.0
MAX_RESOURCE_BYTES, MAX_NEAR_BYTES = 20_000_000, 128_000_000

# One copy in so long is asked for once more, and compared: a server that does not keep its promise is noticed.
COMPARED_EVERY_SECONDS = 300.0

Said: TypeAlias = ResourceContent | ResourceListing


def keep_while_vouched_for() -> CachePolicy:
    """Every copy for its own `ttl_seconds`."""
    return CachePolicy(
        ttl_seconds=LONGEST_SECONDS,
        ttl_jitter=0.0,
        fresh_for=lambda said: said.ttl_seconds,
        load_timeout_seconds=LOAD_SECONDS,
        max_value_bytes=MAX_RESOURCE_BYTES,
        compare_every_seconds=COMPARED_EVERY_SECONDS,
    )


def keep_for(seconds: float) -> CachePolicy:
    """Every copy for so long; 0 keeps none."""
    return replace(keep_while_vouched_for(), fresh_for=lambda _: seconds)


def says_the_same(one: Said, other: Said) -> bool:
    """How long it is vouched for apart."""
    return replace(one, ttl_seconds=0.0) == replace(other, ttl_seconds=0.0)


def identity_of(config: MCPServerConfig) -> str:
    """The server for every process with the same way to it: its key and a digest of address, credentials and command."""
    way = [config.transport, config.url, sorted(config.headers.items()), config.command, config.args, sorted(config.env.items())]
    return f"{config.key} {hashlib.sha256(json.dumps([*way, config.cwd]).encode()).hexdigest()[:32]}"


class SaidCodec:
    """The first line says what it is, as JSON; a resource's text follows as it is."""

    def encode(self, value: Said) -> bytes:
        """Raises `ValueError` for text that is no Unicode."""
        head: dict[str, object] = {"ttl": value.ttl_seconds}
        if isinstance(value, ResourceContent):
            return json.dumps({**head, "uri": value.uri}).encode() + b"\n" + value.text.encode()
        return json.dumps({**head, "resources": [[one.uri, one.name, one.mime_type] for one in value.resources]}).encode()

    def decode(self, data: bytes) -> Said:
        """Raises `ValueError` for anything else than what `encode` wrote."""
        line, _, text = data.partition(b"\n")
        head = json.loads(line)
        try:
            if "uri" in head:
                return ResourceContent(uri=str(head["uri"]), text=text.decode(), ttl_seconds=float(head["ttl"]))
            listed = tuple(Resource(uri=uri, name=name, mime_type=mime_type) for uri, name, mime_type in head["resources"])
            return ResourceListing(resources=listed, ttl_seconds=float(head["ttl"]))
        except (KeyError, TypeError) as error:
            raise ValueError("not what a server said") from error


class Shelf:
    """The copies of one server. `identity` names it for every replica that shares the cache."""

    def __init__(self, cache: "Cache[Said]", identity: str) -> None:
        self._cache, self._identity = cache, identity
        self._dropping: asyncio.Task[None] | None = None

    async def read(self, what: str, load: Callable[[], Awaitable[Said]], policy: CachePolicy) -> tuple[Said, bool]:
        """What the server said of `what`, and whether it had been said before. Raises what `load` raises."""
        if self._dropping is not None:
            await asyncio.shield(self._dropping)
        loaded = False

        async def note_and_load() -> Said:
            nonlocal loaded
            loaded = True
            return await load()

        tags = (self._identity,)
        # A server chooses its URIs: of any length, and nothing to be trusted in a key.
        key = f"{self._identity} {hashlib.sha256(what.encode('utf-8', 'surrogatepass')).hexdigest()}"
        said = await self._cache.get_or_load(key, note_and_load, tenant=TENANT, tags=tags, policy=policy)
        return said, not loaded

    def drop(self) -> None:
        """Every copy of this server, on every replica; later reads wait for it."""
        self._dropping = asyncio.create_task(self._drop(self._dropping), name="drop-copies")

    async def _drop(self, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait({before})
        try:
            # Away, the store serves nobody, and it is told when it is back.
            with contextlib.suppress(StoreUnavailable, StoreRefused):
                await self._cache.invalidate(tenant=TENANT, tags=(self._identity,), cause="resource watch")
        finally:
            if self._dropping is asyncio.current_task():
                self._dropping = None


class Shelves:
    """One cache for all servers of a gateway."""

    def __init__(self, level: SharedLevel, *, clock: Clock, figures: Figures = NO_FIGURES, name: str = "resources") -> None:
        policy = replace(keep_while_vouched_for(), near_max_bytes=MAX_NEAR_BYTES)
        self._cache: Cache[Said] = Cache(
            name, level, codec=SaidCodec(), policy=policy, clock=clock, figures=figures, same=says_the_same
        )

    def shelf(self, identity: str) -> Shelf:
        return Shelf(self._cache, identity)

    async def close(self) -> None:
        await self._cache.close()
