"""Calls whose server waits for the client's answer, kept until the client comes back with it, or does not."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from mcp_gateway.adapters.links.legacy.bounds import PARKED_IN_ALL, PARKED_PER_CALLER, PARKED_SECONDS
from mcp_gateway.adapters.links.legacy.later import Later
from mcp_gateway.adapters.links.legacy.states import StateSeal
from mcp_gateway.core.identity import Caller
from mcp_gateway.federation.errors import StaleRequestState
from mcp_gateway.federation.model import Reply, Request

_KEY_BYTES: Final = 16


class Waiting(Protocol):
    """A call that goes on with an answer, or is given up."""

    async def answer(self, request: Request) -> Reply: ...

    async def give_up(self, reason: str) -> None: ...


class Elsewhere(Protocol):
    """Goes on with calls that wait at other replicas."""

    async def resume(self, replica: str, state: str, request: Request, server: str, *, seconds: float) -> Reply: ...


@dataclass(slots=True)
class _Kept:
    call: Waiting
    caller: Caller
    timer: asyncio.TimerHandle


class ParkedCalls:
    """Of all servers. The oldest of a caller gives way when there are too many; each is given up when its time is over."""

    def __init__(
        self,
        seal: StateSeal,
        *,
        random_bytes: Callable[[int], bytes],
        seconds: float = PARKED_SECONDS,
        per_caller: int = PARKED_PER_CALLER,
        in_all: int = PARKED_IN_ALL,
    ) -> None:
        self._seal, self._random_bytes = seal, random_bytes
        self._seconds, self._per_caller, self._in_all = seconds, per_caller, in_all
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._later = Later(in_all)
        # None: there is one replica, as far as anybody knows.
        self.elsewhere: Elsewhere | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def park(self, call: Waiting, request: Request, server: str) -> str:
        """Keeps the call; the `requestState` under which it is found again."""
        caller = request.client.caller
        own = [key for key, kept in self._kept.items() if _same(kept.caller, caller)]
        if len(own) >= self._per_caller:
            self._give_up(own[0], "too many calls wait for this caller")
        elif len(self._kept) >= self._in_all:
            self._give_up(next(iter(self._kept)), "too many calls wait")
        key = self._random_bytes(_KEY_BYTES)
        timer = asyncio.get_running_loop().call_later(self._seconds, self._give_up, key, "the client did not answer in time")
        self._kept[key] = _Kept(call, caller, timer)
        return self._seal.seal(key, request, server)

    async def resume(self, state: str, request: Request, server: str, *, seconds: float) -> Reply:
        """Goes on with the call, wherever it waits. Raises `StaleRequestState`, and what the call and the way there raise."""
        place = self._seal.open(state, request, server)
        if place.replica == self._seal.replica or self.elsewhere is None:
            return await self.take(state, request, server).answer(request)
        return await self.elsewhere.resume(place.replica, state, request, server, seconds=seconds)

    def take(self, state: str, request: Request, server: str) -> Waiting:
        """The call, which is kept no longer. Raises `StaleRequestState`."""
        kept = self._kept.pop(self._seal.open(state, request, server).call, None)
        if kept is None:
            raise StaleRequestState(server=server)
        kept.timer.cancel()
        return kept.call

    async def close(self) -> None:
        for key in tuple(self._kept):
            self._give_up(key, "the gateway stops")
        await self._later.close()

    def _give_up(self, key: bytes, reason: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            kept.timer.cancel()
            self._later.start(kept.call.give_up(reason))


def _same(one: Caller, other: Caller) -> bool:
    return one == other and one.issuer == other.issuer
