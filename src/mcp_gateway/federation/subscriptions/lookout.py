"""One watch over one server in one name, for everybody who wants to be told of it.

Opened when the first wish comes, widened when they grow, narrowed and ended some time after they shrink. It has a task only while
something has to be agreed with the server.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import structlog

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.federation.errors import UpstreamLost, UpstreamTimedOut, UpstreamUnreachable
from mcp_gateway.federation.model import Change, Client
from mcp_gateway.federation.ports import Link, Wanted, Watch

# "cannot": the server says it tells nobody anything, or not this client.
LookoutState: TypeAlias = Literal["down", "live", "cannot"]

# To agree on what is wanted, however long the server's own limit is.
AGREE_SECONDS: Final = 15.0
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0
# A server that cannot is asked again after so long: it may have been replaced.
CANNOT_SECONDS: Final = 600.0
# What nobody wants any more is still watched for so long: whoever comes back finds it there.
LINGER_SECONDS: Final = 30.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What all lookouts of a replica share. `link_of` gives the link to a server now, None for one that is not there or not
    enabled; it may raise `GatewayError`.

    `slots` bounds how many agree at once. `spread` gives numbers between 0 and 1, so that they do not all come back in one
    moment. `over` is told of a lookout that nobody needs.
    """

    link_of: Callable[[str], Link | None]
    tell: Callable[[Change], None]
    slots: asyncio.Semaphore
    spread: Callable[[], float]
    over: Callable[["Lookout"], None]


class Lookout:
    """`client` is in whose name; `identity` is told with every change. It begins when somebody wants something."""

    __slots__ = (
        "_agreed", "_changed", "_client", "_late", "_lists", "_outlook", "_pause", "_timer", "_uris", "_watch", "_watched",
        "_work", "identity", "server", "state",
    )  # fmt: skip

    def __init__(self, server: str, identity: str, client: Client, outlook: "Outlook") -> None:
        self.server, self.identity = server, identity
        self.state: LookoutState = "down"
        self._client, self._outlook = client, outlook
        self._lists: Counter[str] = Counter()
        self._uris: Counter[str] = Counter()
        self._watch: Watch | None = None
        self._watched: Link | None = None
        self._agreed = Wanted()
        self._changed = self._late = False
        self._work: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pause = FIRST_PAUSE_SECONDS

    @property
    def wanted(self) -> Wanted:
        return Wanted(lists=frozenset(self._lists), uris=frozenset(self._uris))

    @property
    def idle(self) -> bool:
        """Nobody wants anything, and nothing is open."""
        return not self._lists and not self._uris and self._watch is None and self._work is None

    @property
    def hears(self) -> frozenset[str]:
        """The lists whose changes are told at this moment."""
        return self._agreed.lists if self.state == "live" and self._watch is not None and self._watch.hears else frozenset()

    @property
    def agreeing(self) -> "asyncio.Task[None] | None":
        """What to wait for until it is known whether the server agrees."""
        return self._work

    def tells(self, wanted: Wanted) -> bool:
        """Whether the server has agreed to tell of all this."""
        return self.state == "live" and wanted.lists <= self._agreed.lists and wanted.uris <= self._agreed.uris

    def add(self, wanted: Wanted, client: Client) -> None:
        """`client` is the same one as before to the server; its credential may be newer."""
        self._client = client
        self._lists.update(wanted.lists)
        self._uris.update(wanted.uris)
        # One that has just failed, or cannot, is not hurried by every newcomer.
        if not self.tells(wanted) and self.state != "cannot" and self._pause == FIRST_PAUSE_SECONDS:
            self._agree_now()

    def remove(self, wanted: Wanted) -> None:
        for counter, gone in ((self._lists, wanted.lists), (self._uris, wanted.uris)):
            counter.subtract(gone)
            for one in gone:
                if counter[one] <= 0:
                    del counter[one]
        if self._timer is None:
            self._agree_later(LINGER_SECONDS)

    def promise(self, wanted: Wanted) -> None:
        """Somebody was told that this is told from now on; should that come true only later, it is told as "lost" then."""
        self._late = self._late or not self.tells(wanted)

    def relink(self) -> None:
        """The server may be another one now."""
        if self._link() is not self._watched:
            self._late = True
            self._pause = FIRST_PAUSE_SECONDS
            self._agree_now()

    def _link(self) -> Link | None:
        try:
            return self._outlook.link_of(self.server)
        except GatewayError:
            return None

    async def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait({self._work}, timeout=1.0)
        await self._close()

    def _agree_now(self) -> None:
        self._changed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._work is None:
            self._work = asyncio.create_task(self._agree(), name="lookout")

    def _agree_later(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._agree_now)

    async def _agree(self) -> None:
        try:
            while self._changed:
                self._changed = False
                await self._agree_on(self.wanted)
        except (UpstreamUnreachable, UpstreamTimedOut, UpstreamLost, TimeoutError) as error:
            await self._failed(error.code if isinstance(error, GatewayError) else "TIMED_OUT")
        except GatewayError as error:
            _log.info("server_not_watched", server=self.server, code=error.code)
            await self._close("cannot")
            self._agree_later(CANNOT_SECONDS)
        except Exception:  # noqa: BLE001  (the wall of a background task)
            _log.exception("server_not_watched", server=self.server)
            await self._failed("INTERNAL_ERROR")
        finally:
            self._work = None
        if self.idle:
            self._outlook.over(self)

    async def _agree_on(self, wanted: Wanted) -> None:
        link = self._outlook.link_of(self.server)
        if link is not self._watched or not (wanted.lists or wanted.uris):
            await self._close()
        if link is None or not (wanted.lists or wanted.uris):
            return
        async with self._outlook.slots, asyncio.timeout(AGREE_SECONDS):
            if self._watch is None:
                self._watch, self._watched = await link.watch(self._client, self._heard), link
            await self._watch.want(wanted)
        self._agreed, self.state, self._pause = wanted, "live", FIRST_PAUSE_SECONDS
        if self._late:
            self._late = False
            self._heard(Change(server=self.server, kind="lost"))

    async def _failed(self, code: str) -> None:
        """What was open is given up too: what it tells is not what is wanted."""
        await self._close()
        self._late = True
        _log.info("server_not_watched", server=self.server, code=code, again_in_seconds=round(self._pause, 1))
        self._agree_later(self._pause * (0.5 + self._outlook.spread() / 2))
        self._pause = min(LONGEST_PAUSE_SECONDS, self._pause * 2)

    def _heard(self, change: Change) -> None:
        self._outlook.tell(replace(change, server=self.server, identity=self.identity))

    async def _close(self, state: LookoutState = "down") -> None:
        watch, self._watch, self._watched = self._watch, None, None
        self._agreed, self.state = Wanted(), state
        if watch is not None:
            await watch.close()
