"""The merged lists, as each caller gets them: made of what the servers list, and kept until one part of it changes."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from itertools import compress
from typing import Final, NamedTuple, TypeAlias

from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import render
from mcp_gateway.federation.catalog.costs import tokens_of
from mcp_gateway.federation.catalog.gathering import Gathered, gather
from mcp_gateway.federation.catalog.model import Finding, Held, ListKind
from mcp_gateway.federation.catalog.naming import Naming
from mcp_gateway.federation.catalog.ports import Surroundings
from mcp_gateway.federation.catalog.reading import UpstreamSaid
from mcp_gateway.federation.catalog.shelf import Shelf, identity_of
from mcp_gateway.federation.catalog.showing import Rights, Showing, definition_of, rights_of
from mcp_gateway.federation.catalog.sight import Sight
from mcp_gateway.federation.catalog.snapshot import Page, Part, Shown, Snapshot, page_from
from mcp_gateway.federation.catalog.virtual import names_of, show
from mcp_gateway.federation.model import Client
from mcp_gateway.federation.views import View
from mcp_gateway.registry.model import Server, VirtualServer

MAX_SNAPSHOTS: Final = 2_000
MAX_PRIVATE_BYTES: Final = 128 * 1024 * 1024
MAX_PAGE_BYTES: Final = 64 * 1024 * 1024
# Decisions of the policy in one go; then others have their turn.
_AT_ONCE: Final = 200

Wanted: TypeAlias = tuple[str, str, ListKind, Rights, str]
Stamp: TypeAlias = tuple[int, str, int, int]


class _Kept(NamedTuple):
    stamp: Stamp
    servers: tuple[Server, ...]
    snapshot: Snapshot

    @property
    def private_bytes(self) -> int:
        return sum(one.size for one in self.snapshot.held if one.owner)


class Lists:
    """`snapshot` is the list, `page` a piece of it as bytes. Both are look-ups where nothing changed."""

    def __init__(self, around: Surroundings, sight: Sight, shelf: Shelf, naming: Naming) -> None:
        self._around, self._sight, self._shelf, self._naming = around, sight, shelf, naming
        self._showing = Showing(sight)
        self._snapshots: OrderedDict[Wanted, _Kept] = OrderedDict()
        self._pages: OrderedDict[tuple[bytes, int], Page] = OrderedDict()
        self._page_bytes = self._private_bytes = 0

    async def snapshot(self, view: View, kind: ListKind, client: Client) -> Snapshot:
        """Raises `GatewayError` where the view is one server, and that cannot say what it offers."""
        identity = identity_of(client)
        servers = self._sight.servers(view, client.caller, kind)
        wanted = (view.kind, view.name, kind, rights_of(client.caller), identity)
        kept = self._snapshots.get(wanted)
        if kept is not None and self._stands(kept, servers, kind, identity):
            self._snapshots.move_to_end(wanted)
            return kept.snapshot
        gathered = await self._gather(view, servers, kind, client, identity)
        # What changes while it is made makes it old.
        stamp = self._stamp(kind)
        snapshot = await self._make(view, kind, client.caller, gathered)
        self._keep(wanted, _Kept(stamp, servers, snapshot), identity)
        return snapshot

    def page(self, snapshot: Snapshot, start: int) -> Page:
        """Callers who see the same share it."""
        key = (snapshot.digest, start)
        found = self._pages.get(key)
        if found is None:
            found = self._pages[key] = page_from(snapshot, start)
            self._page_bytes += len(found.body)
            while self._page_bytes > MAX_PAGE_BYTES and len(self._pages) > 1:
                self._page_bytes -= len(self._pages.popitem(last=False)[1].body)
        else:
            self._pages.move_to_end(key)
        return found

    def _keep(self, wanted: Wanted, kept: _Kept, identity: str) -> None:
        """If it could be used again. What is another's alone counts by its bytes: it would stay in memory for this."""
        before = self._snapshots.pop(wanted, None)
        if before is not None:
            self._private_bytes -= before.private_bytes
        if not self._stands(kept, kept.servers, wanted[2], identity):
            return
        self._snapshots[wanted] = kept
        self._private_bytes += kept.private_bytes
        while len(self._snapshots) > MAX_SNAPSHOTS or self._private_bytes > MAX_PRIVATE_BYTES:
            self._private_bytes -= self._snapshots.popitem(last=False)[1].private_bytes

    async def _gather(self, view: View, servers: Sequence[Server], kind: ListKind, client: Client, identity: str) -> Gathered:
        if view.kind != "server" or not servers:
            return await gather(self._shelf, servers, kind, client, identity)
        server = servers[0]
        held = self._shelf.fresh(server, kind, identity) or await self._shelf.get(server, kind, client, identity)
        if held.refused is not None:
            raise UpstreamSaid(server.name, held.refused)
        return Gathered((held,), ())

    def _stamp(self, kind: ListKind) -> Stamp:
        definitions = self._around.definitions
        return (
            self._around.registry.revision,
            self._around.policy_version(),
            0 if definitions is None else definitions.revision,
            self._shelf.known.revision(kind),
        )

    def _stands(self, kept: _Kept, servers: tuple[Server, ...], kind: ListKind, identity: str) -> bool:
        """Nobody is missing, and each list it was made of is still the one to be shown."""
        if kept.snapshot.missing or kept.stamp != self._stamp(kind) or kept.servers != servers:
            return False
        return all(self._shelf.fresh(held.server, kind, identity) is held for held in kept.snapshot.held)

    async def _make(self, view: View, kind: ListKind, caller: Caller, gathered: Gathered) -> Snapshot:
        policy = self._around.policy_version()
        self._showing.follow_policy(policy)
        names = self._naming.names(caller.tenant, kind) if view.kind == "all" and kind in ("tools", "prompts") else None
        digest = blake2b(digest_size=16)
        parts: list[Part] = []
        asked = 0
        for held in gathered.held:
            if not self._showing.decided(held, caller):
                asked += len(held.items)
                if asked > _AT_ONCE:
                    asked = 0
                    await asyncio.sleep(0)
                    if self._around.policy_version() != policy:
                        policy = self._around.policy_version()
                        self._showing.follow_policy(policy)
            rendering = self._showing.render(held, None if names is None else names.listed.get(held.server.name))
            mask = self._showing.verdict(held, caller)
            parts.append(rendering.part if mask is None else tuple(compress(rendering.part, mask)))
            digest.update(b"%d:" % rendering.serial + (mask or b""))
        if view.virtual is not None and kind == "tools":
            parts = [_selected(view.virtual, gathered.held, parts)]
            digest.update(repr((view.virtual.name, view.virtual.version)).encode())
        elif (kind in ("resources", "templates") or view.virtual is not None) and len(parts) > 1:
            parts = _once(parts)
        tokens = sum(one.tokens for part in parts for one in part) if kind == "tools" else 0
        findings = () if names is None else _about(names.findings, parts)
        return Snapshot(
            parts=tuple(parts),
            held=gathered.held,
            missing=gathered.missing,
            digest=digest.digest(),
            tokens=tokens,
            findings=findings,
        )


def _about(findings: tuple[Finding, ...], parts: Sequence[Part]) -> tuple[Finding, ...]:
    """Those about something that is listed."""
    if not findings:
        return ()
    listed = {one.name for part in parts for one in part}
    return tuple(one for one in findings if one.listed in listed)


def _once(parts: Sequence[Part]) -> list[Part]:
    """Of two servers with one URI, or with one name where nothing tells them apart, the older one's is listed."""
    seen: set[str] = set()
    kept: list[Part] = []
    for part in parts:
        keys = {one.key for one in part}
        kept.append(part if seen.isdisjoint(keys) else tuple(one for one in part if one.key not in seen))
        seen |= keys
    return kept


def _selected(virtual: VirtualServer, held: Sequence[Held], parts: Sequence[Part]) -> Part:
    """What the virtual server selects of what the caller may see, in its own order."""
    visible = {(one.server, one.key) for part in parts for one in part}
    items = {(one.server.name, item.key): item for one in held for item in one.items}
    shown: list[Shown] = []
    for name, one in names_of(virtual.tools).items():
        if (one.server, one.tool) not in visible:
            continue
        value = show(definition_of(items[one.server, one.tool]), name, one)
        shown.append(Shown(server=one.server, key=one.tool, name=name, body=render(value), tokens=tokens_of(value)))
    return tuple(shown)
