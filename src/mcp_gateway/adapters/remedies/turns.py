"""One remedy at a time in a store: whose turn it is stands in that store, and ends by itself when its holder is gone."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from mcp_gateway.adapters.remedies.lines import open_line
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.diagnostics.errors import RemedyUnderWay
from mcp_gateway.diagnostics.verdict import Action
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.wire import Reply

KEY = "ops:remedy"
# So long the turn of a killed process lasts.
HELD_SECONDS = 30
RENEW_SECONDS = 8.0
_MOST_SHOWN = 120

# Sent whole each time: asked for by name, one that the store does not know looks like the limiter's being lost.
# A store that is full takes the few bytes too: giving it room may be the remedy.
_TAKE = (
    "#!lua flags=allow-oom\n"
    "local there = redis.call('GET', KEYS[1])\n"
    "if there then return {there, redis.call('PTTL', KEYS[1])} end\n"
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
    "return {ARGV[1], tonumber(ARGV[2])}"
)
# A store that began anew has forgotten whose turn it is: taken again, unless somebody else was quicker.
_RENEW = (
    "#!lua flags=allow-oom\n"
    "local there = redis.call('GET', KEYS[1])\n"
    "if there and there ~= ARGV[1] then return 0 end\n"
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
    "return 1"
)
_GIVE_BACK = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreTurns:
    """Implements `Turns`. `holder`: who this is, for the others to read. `url`: of a user who may run scripts on `ops:remedy`."""

    url: str = field(repr=False)
    holder: str
    clock: Clock
    renew_seconds: float = RENEW_SECONDS

    @asynccontextmanager
    async def turn(self, action: Action) -> AsyncIterator[None]:
        """A store that is held by a script takes no turn; what ends the script needs none, for it can be had once only."""
        mine = json.dumps(
            {
                "kind": action.kind,
                "by": self.holder,
                "since": f"{self.clock.now():%Y-%m-%d %H:%M:%S %Z}",
                "token": secrets.token_hex(16),
            }
        )
        try:
            taken = await self._run(_TAKE, mine, HELD_SECONDS * 1_000)
        except StoreRefused as error:
            if error.kind != "BUSY" or action.kind != "end_script":
                raise
            yield
            return
        _check(taken, mine)
        keeping = asyncio.create_task(self._keep(mine), name="remedy-turn")
        try:
            yield
        finally:
            await end_tasks(keeping)
            with contextlib.suppress(StoreRefused, StoreUnavailable):  # then it ends by itself
                await self._run(_GIVE_BACK, mine)

    async def _keep(self, mine: str) -> None:
        while True:
            await asyncio.sleep(self.renew_seconds)
            try:
                if await self._run(_RENEW, mine, HELD_SECONDS * 1_000) != 1:
                    log.warning("remedy_turn_lost")
            except (StoreRefused, StoreUnavailable) as error:
                log.warning("remedy_turn_not_renewed", reason=error.message)

    async def _run(self, script: str, *words: str | int) -> Reply:
        async with await open_line(self.url) as line:
            return await line.call("EVAL", script, 1, KEY, *words)


def _check(taken: Reply, mine: str) -> None:
    """Raises `RemedyUnderWay` when it is somebody else's."""
    match taken:
        case [bytes() as held, int() as milliseconds]:
            if held.decode(errors="replace") == mine:
                return
        case _:
            raise StoreRefused("The store gave an unexpected answer for whose turn it is.")
    try:
        there = json.loads(held)
        kind, by, since = (str(there[name])[:_MOST_SHOWN] for name in ("kind", "by", "since"))
    except (ValueError, KeyError, TypeError):
        kind, by, since = "another remedy", "nobody who can be read", "?"
    raise RemedyUnderWay(
        f"{kind} is being carried out in this store, since {since} by {by}.",
        kind=kind,
        by=by,
        since=since,
        ends_at_the_latest_seconds=max(0, milliseconds) // 1_000,
    )
