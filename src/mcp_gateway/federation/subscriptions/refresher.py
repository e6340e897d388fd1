"""Reads the lists of servers again: now and then, and at once when something may have changed.

So a tool that was changed behind our back is seen even where nobody asks and the server announces nothing. A list that is another
one than before is told to all replicas as a change.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Final, Literal, Protocol, TypeAlias

import structlog

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.federation.health.rounds import Rounds
from mcp_gateway.federation.model import Change, ChangeKind
from mcp_gateway.federation.ports import ChangeBus

ListKind: TypeAlias = Literal["tools", "prompts", "resources", "templates"]
KINDS: Final[tuple[ListKind, ...]] = ("tools", "prompts", "resources", "templates")

PERIOD_SECONDS: Final = 600.0
AT_ONCE: Final = 4
# A server that tells of a hundred changes is read once.
SETTLE_SECONDS: Final = 0.2
# After a start nothing is in a hurry.
FIRST_RATE: Final = 2.0
_TOLD_AS: Final[dict[ListKind, ChangeKind]] = {
    "tools": "tools",
    "prompts": "prompts",
    "resources": "resources",
    "templates": "resources",
}
_MEANT_BY: Final[dict[ChangeKind, tuple[ListKind, ...]]] = {
    "tools": ("tools",),
    "prompts": ("prompts",),
    "resources": ("resources", "templates"),
    "lost": KINDS,
}

_log = structlog.get_logger(__name__)


class Rereading(Protocol):
    """Asks a server for a list anew and has its definitions observed."""

    async def reread(self, server: str, kind: ListKind, /) -> bytes | None:
        """A digest of what it lists now; None: it has no such list. Raises `GatewayError`."""
        ...


class Refresher:
    def __init__(
        self,
        rereading: Rereading,
        bus: ChangeBus,
        *,
        spread: Callable[[], float],
        period_seconds: float = PERIOD_SECONDS,
    ) -> None:
        self._rereading, self._bus = rereading, bus
        self._digests: dict[tuple[str, ListKind], bytes | None] = {}
        self._servers: frozenset[str] = frozenset()
        self._changed: dict[str, set[ListKind]] = {}
        self._settling: dict[str, asyncio.TimerHandle] = {}
        self.rounds = Rounds(
            self.refresh,
            name="refresh",
            period_seconds=period_seconds,
            at_once=AT_ONCE,
            first_rate=FIRST_RATE,
            spread=spread,
        )
        self._end = bus.subscribe(self._heard)

    def serve(self, servers: Collection[str]) -> None:
        """From now on these."""
        self._servers = frozenset(servers)
        self.rounds.serve(servers)
        for key in [key for key in self._digests if key[0] not in self._servers]:
            del self._digests[key]

    async def close(self) -> None:
        self._end()
        for timer in self._settling.values():
            timer.cancel()
        await self.rounds.close()

    async def refresh(self, server: str) -> float | None:
        """Read now what is said to have changed, or everything."""
        changed = self._changed.pop(server, None)
        for kind in KINDS if changed is None else sorted(changed):
            try:
                digest = await self._rereading.reread(server, kind)
            except GatewayError as error:
                _log.info("list_not_refreshed", server=server, kind=kind, code=error.code)
                return None
            self._compare(server, kind, digest, told=changed is not None)
        return None

    def _compare(self, server: str, kind: ListKind, digest: bytes | None, *, told: bool) -> None:
        """`told`: everybody knows already that it may be another one."""
        if server not in self._servers:
            return
        before = self._digests.get((server, kind), digest)
        self._digests[server, kind] = digest
        if digest != before and not told:
            _log.info("list_changed_unannounced", server=server, kind=kind)
            self._bus.tell(Change(server=server, kind=_TOLD_AS[kind]))

    def _heard(self, change: Change) -> None:
        """What is lost everywhere is read when its turn comes, or somebody asks."""
        kinds = _MEANT_BY.get(change.kind)
        if kinds is None or change.server not in self._servers:
            return
        self._changed.setdefault(change.server, set()).update(kinds)
        if change.server not in self._settling:
            settled = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._settled, change.server)
            self._settling[change.server] = settled

    def _settled(self, server: str) -> None:
        del self._settling[server]
        self.rounds.hurry(server)
