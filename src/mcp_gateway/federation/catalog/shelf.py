"""Lists of upstream servers, kept while the servers vouch for them, and asked for once however many want them.

A list is kept for its `ttlMs`, longer while a subscription that began before it was asked for tells of no change. One of scope
"public" is everybody's who may use the server; any other belongs to one client of one caller.
"""

import asyncio
from collections.abc import Collection
from hashlib import blake2b
from typing import Final, NamedTuple, TypeAlias

import structlog

from mcp_gateway.core.errors import GatewayError, code_of
from mcp_gateway.core.protocol.frames import JsonObject, render
from mcp_gateway.core.protocol.words import METHOD_NOT_FOUND
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.federation.catalog.kept import Kept
from mcp_gateway.federation.catalog.known import Known
from mcp_gateway.federation.catalog.model import SLOW, Held, Item, ListKind, Missing
from mcp_gateway.federation.catalog.ports import Surroundings
from mcp_gateway.federation.catalog.reading import NOTHING_READ, Read, UpstreamSaid, read_list
from mcp_gateway.federation.catalog.vouching import Vouching
from mcp_gateway.federation.errors import UpstreamTimedOut
from mcp_gateway.federation.model import Change, ChangeKind, Client
from mcp_gateway.registry.model import Server

log = structlog.get_logger(__name__)

EVERYBODY: Final = ""
# How long a merged list waits for a server when others have answered.
PATIENCE_SECONDS: Final = 2.0
# A list that came too late for whoever asked lies so long for the next one to ask.
LATE_SECONDS: Final = 30.0
# A server that failed is not waited for so long; it is asked again meanwhile.
AWAY_SECONDS: Final = 5.0
# That a server knows no such list is believed so long.
NO_SUCH_LIST_SECONDS: Final = 60.0
MAX_AWAY: Final = 50_000

Wanted: TypeAlias = tuple[str, int, ListKind, str, int]
_KINDS_OF: Final[dict[ChangeKind, tuple[ListKind, ...]]] = {
    "tools": ("tools",),
    "prompts": ("prompts",),
    "resources": ("resources", "templates"),
    "lost": ("tools", "prompts", "resources", "templates"),
}


class _Failure(NamedTuple):
    """`seen` is monotonic, of the last time; `since` seconds since 1970, of the first."""

    code: str
    seen: float
    since: float


def identity_of(client: Client) -> str:
    """Whom a private list belongs to: no other caller, and no other program of this one, is shown it."""
    caller = client.caller
    said = (caller.tenant, caller.subject, sorted(caller.scopes or ()), caller.scopes is None, client.session, client.revision)
    whole = repr(said).encode("utf-8", "surrogatepass") + render(client.info) + render(client.capabilities)
    return blake2b(whole, digest_size=16).hexdigest()


class Shelf:
    """Bounded by `Kept`; what is asked for goes on when whoever wanted it leaves."""

    def __init__(self, around: Surroundings) -> None:
        self._around, self._clock = around, around.clock
        self._kept = Kept(around.definitions)
        self._public: set[tuple[str, int, ListKind]] = set()
        self._failed: dict[tuple[str, int, ListKind, str], _Failure] = {}
        self._flights: dict[Wanted, tuple[float, asyncio.Task[Held]]] = {}
        self._dropped: dict[tuple[str, ListKind], int] = {}
        self._dropped_all = 0
        self.vouching = Vouching(around.clock)
        self.known = Known(around.definitions)

    def fresh(self, server: Server, kind: ListKind, identity: str) -> Held | None:
        """The list as it may be shown now; None: it has to be asked for."""
        for owner in (EVERYBODY, identity):
            held = self._kept.find(server.name, kind, owner, server.version)
            if held is not None and self.holds(held):
                return held
        return None

    def holds(self, held: Held) -> bool:
        """Whether the server still vouches for it."""
        return self._clock.monotonic() < held.fresh_until or self.vouching.covers(held)

    def away(self, server: Server, kind: ListKind, identity: str) -> Missing | None:
        """Why it is no use waiting for this list: it failed a moment ago, or is under way for long."""
        now = self._clock.monotonic()
        wanted = self._wanted(server, kind, identity)
        failed = self._failed.get(wanted[:4])
        if failed is not None and now < failed.seen + AWAY_SECONDS:
            return Missing(server=server.name, code=failed.code, since=failed.since)
        flight = self._flights.get(wanted)
        if flight is not None and now >= flight[0] + PATIENCE_SECONDS:
            return self.late(server, kind, identity)
        return None

    def late(self, server: Server, kind: ListKind, identity: str) -> Missing:
        """What to say of a server that was waited for in vain, or failed."""
        failed = self._failed.get(self._wanted(server, kind, identity)[:4])
        if failed is not None:
            return Missing(server=server.name, code=failed.code, since=failed.since)
        return Missing(server=server.name, code=SLOW, since=self._clock.timestamp())

    def doubts(self, server: Server, kind: ListKind, identity: str) -> bool:
        """Whether it failed the last time it was asked."""
        return self._wanted(server, kind, identity)[:4] in self._failed

    async def get(self, server: Server, kind: ListKind, client: Client, identity: str) -> Held:
        """The list, asked for now or, by somebody, a moment ago. What was begun goes on when nobody waits for it any longer.

        Raises `GatewayError`.
        """
        held = await asyncio.shield(self._flight(server, kind, client, identity))
        if held.owner not in (EVERYBODY, identity):
            # It was everybody's until now, and somebody else asked.
            held = await asyncio.shield(self._flight(server, kind, client, identity))
        return held if held.owner in (EVERYBODY, identity) else await self._fetch(server, kind, client, identity)

    def _flight(self, server: Server, kind: ListKind, client: Client, identity: str) -> "asyncio.Task[Held]":
        wanted = self._wanted(server, kind, identity)
        flight = self._flights.get(wanted)
        if flight is not None:
            return flight[1]
        task = asyncio.create_task(self._fetch(server, kind, client, identity), name=f"{kind} of {server.name}")
        self._flights[wanted] = (self._clock.monotonic(), task)
        task.add_done_callback(lambda ended: self._landed(wanted, ended))
        return task

    def drop(self, change: Change) -> None:
        """Forget what this change makes old; what is under way is not kept when it comes."""
        kinds = _KINDS_OF.get(change.kind, ())
        self._kept.drop(change.server, kinds)
        if not change.server and kinds:
            self._dropped_all += 1
        for kind in kinds:
            self._dropped[change.server, kind] = self._dropped.get((change.server, kind), 0) + 1
        for key in [key for key in self._failed if key[2] in kinds and change.server in ("", key[0])]:
            del self._failed[key]
        if change.kind == "lost":
            self.vouching.end(change.server, change.identity)

    def keep_only(self, servers: Collection[str]) -> None:
        """For servers that were removed."""
        self._dropped = {key: count for key, count in self._dropped.items() if key[0] in servers}
        self._failed = {key: failure for key, failure in self._failed.items() if key[0] in servers}
        self._public = {key for key in self._public if key[0] in servers}

    async def close(self) -> None:
        """Ends what is under way."""
        await end_tasks(*(task for _, task in self._flights.values()))

    def _wanted(self, server: Server, kind: ListKind, identity: str) -> Wanted:
        """One for everybody where the list was public last. What was asked for before a change answers nobody after it."""
        shared = (server.name, server.version, kind) in self._public
        return (server.name, server.version, kind, EVERYBODY if shared else identity, self._drops(server, kind))

    def _drops(self, server: Server, kind: ListKind) -> int:
        return self._dropped.get((server.name, kind), 0) + self._dropped_all

    async def _fetch(self, server: Server, kind: ListKind, client: Client, identity: str) -> Held:
        asked_at, drops = self._clock.monotonic(), self._drops(server, kind)
        read, refused = await self._read(server, kind, client)
        if refused is None and self._around.definitions is not None:
            await self._around.definitions.observe(server, kind, [one for _, one in read.pairs])
        now = self._clock.monotonic()
        kept_for = NO_SUCH_LIST_SECONDS if refused is not None else read.ttl_ms / 1000
        late = now + LATE_SECONDS if now >= asked_at + PATIENCE_SECONDS else 0.0
        held = Held(
            server=server,
            kind=kind,
            owner=EVERYBODY if read.public else identity,
            items=self._shown(server, kind, read),
            all_items=tuple(item for item, _ in read.pairs),
            asked_at=asked_at,
            fresh_until=max(late, asked_at + kept_for),
            ttl_ms=read.ttl_ms,
            meta=read.meta,
            cut=read.cut,
            refused=refused,
            size=read.size,
        )
        self._keep(held, still=drops == self._drops(server, kind))
        return held

    async def _read(self, server: Server, kind: ListKind, client: Client) -> tuple[Read, JsonObject | None]:
        """What it lists, or the error of a server that knows no such list."""
        try:
            async with asyncio.timeout(server.limits.timeout_seconds):
                link, most = self._around.links.link(server), server.limits.max_list_bytes
                return await read_list(link, kind, client, max_bytes=most), None
        except TimeoutError as error:
            raise UpstreamTimedOut(server=server.name) from error
        except UpstreamSaid as said:
            if said.error.get("code") != METHOD_NOT_FOUND:
                raise
            return NOTHING_READ, said.error

    def _shown(self, server: Server, kind: ListKind, read: Read) -> tuple[Item, ...]:
        if self._around.definitions is None:
            return tuple(item for item, _ in read.pairs)
        offered = self._around.definitions.offered(server.name, [one for _, one in read.pairs], kind)
        shown = {id(one) for one in offered}
        return tuple(item for item, one in read.pairs if id(one) in shown)

    def _keep(self, held: Held, *, still: bool) -> None:
        """`still`: nothing was said of a change since it was asked for."""
        place = (held.server.name, held.server.version, held.kind)
        if held.owner:
            self._public.discard(place)
        else:
            self._public.add(place)
        if held.refused is None:
            self.known.learn(held)
        if still and self.holds(held):
            self._kept.put(held)

    def _landed(self, wanted: Wanted, ended: "asyncio.Task[Held]") -> None:
        self._flights.pop(wanted, None)
        if ended.cancelled():
            return
        error = ended.exception()
        if error is None:
            self._failed.pop(wanted[:4], None)
            return
        if not isinstance(error, GatewayError):
            log.error("list_failed", server=wanted[0], kind=wanted[2], exc_info=error)
        code = code_of(error)
        before = self._failed.pop(wanted[:4], None)
        since = before.since if before is not None else self._clock.timestamp()
        self._failed[wanted[:4]] = _Failure(code, self._clock.monotonic(), since)
        if len(self._failed) > MAX_AWAY:
            del self._failed[next(iter(self._failed))]
