"""Copies of what one server said, used again only as far as the configuration's rule allows.

    fresh      never: everything is read anew for each question
    ttl        for a fixed time after reading
    coherent   while the server vouches for it: for its `ttlMs`, or as long as a live watch has told of no change

What is kept for a time lies on the shelf (`shelf.py`: the kit's cache, perhaps shared by replicas); what only this process's
watch vouches for is kept here. Coherent, the watch is opened before the reading whose result it vouches for, so no change falls
in between. When it breaks, all copies are dropped. A copy that changed while it was being read is not kept.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import structlog

from mcp_gateway.ask.configuration import OrchestrationConfig
from mcp_gateway.ask.ports import ResourceContent, ResourceListing, UpstreamServer
from mcp_gateway.ask.shelf import Shelf, keep_for, keep_while_vouched_for
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError

T = TypeVar("T", ResourceContent, ResourceListing)

# How long until a server that could not be watched is asked again: it may have been replaced by one that can.
WATCH_AGAIN_SECONDS = 60.0
# The list of resources, where a URI names a resource.
LISTING = ""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Had(Generic[T]):
    """What the server said, now or before; `reused` tells which."""

    value: T
    reused: bool


class ResourceCopies:
    """All copies of one server."""

    def __init__(self, server: UpstreamServer, rule: OrchestrationConfig, clock: Clock, shelf: Shelf) -> None:
        self._server, self._rule, self._clock, self._shelf = server, rule, clock, shelf
        self._kept = keep_for(rule.resource_cache_ttl) if rule.resources == "ttl" else keep_while_vouched_for()
        # What the watch vouches for, by URI.
        self._contents: dict[str, ResourceContent | ResourceListing] = {}
        self._watched: frozenset[str] = frozenset()
        # Counts changes by URI; a reading is kept only if the count stayed the same meanwhile.
        self._changes: dict[str, int] = {}
        self._drops = 0
        self._watch_not_before = 0.0

    async def list_resources(self) -> Had[ResourceListing]:
        """Raises what the server's `list_resources` raises."""
        return await self._had(LISTING, self._server.list_resources, watched=bool(self._watched))

    async def read_resource(self, uri: str) -> Had[ResourceContent]:
        """Raises what the server's `read_resource` raises."""
        return await self._had(uri, lambda: self._server.read_resource(uri), watched=uri in self._watched)

    async def _had(self, uri: str, read: Callable[[], Awaitable[T]], *, watched: bool) -> Had[T]:
        if self._rule.resources == "fresh":
            return Had(await read(), reused=False)
        if not watched:
            said, reused = await self._shelf.read(f"read {uri}" if uri else "list", read, self._kept)
            return Had(cast("T", said), reused=reused)
        kept = self._contents.get(uri)
        if kept is not None:
            return Had(cast("T", kept), reused=True)
        before = self._state(uri)
        fresh = await read()
        if before == self._state(uri):
            self._contents[uri] = fresh
        return Had(fresh, reused=False)

    async def watch(self, uris: Sequence[str]) -> None:
        """Have the server vouch for these by a watch, where the rule is coherent and the server can. Never raises."""
        wanted = frozenset(uris)
        if self._rule.resources != "coherent" or wanted <= self._watched or self._clock.monotonic() < self._watch_not_before:
            return
        self._watch_not_before = self._clock.monotonic() + WATCH_AGAIN_SECONDS
        try:
            watching = await self._server.watch_resources(sorted(wanted), self._on_change, self._on_end)
        except GatewayError as error:
            log.info("resource_watch_refused", server=self._server.name, code=error.code)
            return
        if watching:
            self._watched, self._watch_not_before = wanted, 0.0

    def forget(self) -> None:
        """Drop every copy."""
        self._contents.clear()
        self._drops += 1
        self._shelf.drop()

    def _state(self, uri: str) -> tuple[int, int]:
        return self._changes.get(uri, 0), self._drops

    def _on_change(self, uri: str) -> None:
        log.debug("resource_changed", server=self._server.name, uri=uri)
        self._changes[uri] = self._changes.get(uri, 0) + 1
        self._contents.pop(uri, None)
        self._shelf.drop()

    def _on_end(self) -> None:
        self._watched = frozenset()
        self._watch_not_before = 0.0
        self.forget()
