"""Copies of what one server said, used again only as far as the configuration's rule allows.

    fresh      never: everything is read anew for each question
    ttl        for a fixed time after reading
    coherent   while the server vouches for it: for its `ttlMs`, or as long as a live watch has told of no change

Coherent, the watch is opened before the reading whose result it vouches for, so no change falls in between. When it breaks, all
copies are dropped. A copy that changed while it was being read is not kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from mcp_gateway.ask.configuration import OrchestrationConfig
from mcp_gateway.ask.ports import ResourceContent, ResourceListing, UpstreamServer
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError

T = TypeVar("T", ResourceContent, ResourceListing)

# How long until a server that could not be watched is asked again: it may have been replaced by one that can.
WATCH_AGAIN_SECONDS = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Had(Generic[T]):
    """What the server said, now or before; `reused` tells which."""

    value: T
    reused: bool


@dataclass(frozen=True, slots=True)
class _Copy(Generic[T]):
    value: T
    until: float
    watched: bool


class ResourceCopies:
    """All copies of one server."""

    def __init__(self, server: UpstreamServer, rule: OrchestrationConfig, clock: Clock) -> None:
        self._server, self._rule, self._clock = server, rule, clock
        self._listing: _Copy[ResourceListing] | None = None
        self._contents: dict[str, _Copy[ResourceContent]] = {}
        self._watched: frozenset[str] = frozenset()
        # Counts changes by URI, "" for the list; a reading is kept only if the count stayed the same meanwhile.
        self._changes: dict[str, int] = {}
        self._drops = 0
        self._watch_not_before = 0.0

    async def list_resources(self) -> Had[ResourceListing]:
        """Raises what the server's `list_resources` raises."""
        if self._listing is not None and self._usable(self._listing):
            return Had(self._listing.value, reused=True)
        before = self._state("")
        listing = await self._server.list_resources()
        if before == self._state("") and self._rule.resources != "fresh":
            self._listing = _Copy(listing, self._until(listing.ttl_seconds), watched=bool(self._watched))
        return Had(listing, reused=False)

    async def read_resource(self, uri: str) -> Had[ResourceContent]:
        """Raises what the server's `read_resource` raises."""
        copy = self._contents.get(uri)
        if copy is not None and self._usable(copy):
            return Had(copy.value, reused=True)
        before = self._state(uri)
        content = await self._server.read_resource(uri)
        if before == self._state(uri) and self._rule.resources != "fresh":
            self._contents[uri] = _Copy(content, self._until(content.ttl_seconds), watched=uri in self._watched)
        return Had(content, reused=False)

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
        self._listing = None
        self._contents.clear()
        self._drops += 1

    def _usable(self, copy: _Copy[T]) -> bool:
        return (copy.watched and bool(self._watched)) or self._clock.monotonic() < copy.until

    def _until(self, vouched_seconds: float) -> float:
        kept = self._rule.resource_cache_ttl if self._rule.resources == "ttl" else vouched_seconds
        return self._clock.monotonic() + kept

    def _state(self, uri: str) -> tuple[int, int]:
        return self._changes.get(uri, 0), self._drops

    def _on_change(self, uri: str) -> None:
        log.debug("resource_changed", server=self._server.name, uri=uri)
        self._changes[uri] = self._changes.get(uri, 0) + 1
        if uri:
            self._contents.pop(uri, None)
        else:
            self._listing = None

    def _on_end(self) -> None:
        self._watched = frozenset()
        self._watch_not_before = 0.0
        self.forget()
