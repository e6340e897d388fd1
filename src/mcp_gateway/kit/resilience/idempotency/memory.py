"""Answers kept in this process, bounded in number and bytes."""

from collections import OrderedDict
from dataclasses import dataclass

from mcp_gateway.core.clock import Clock
from mcp_gateway.kit.errors import StoreUnavailable
from mcp_gateway.kit.resilience.idempotency.model import Begun, KeyedRequest, StoredAnswer
from mcp_gateway.kit.resilience.ranges import require


@dataclass(slots=True)
class _Kept:
    fingerprint: str
    token: str
    until: float
    finished: bool = False
    answer: StoredAnswer | None = None

    @property
    def weight(self) -> int:
        return len(self.answer.body) if self.answer is not None else 0


class MemoryIdempotencyStore:
    """A full store refuses new keys rather than forget an answer it promised to keep."""

    def __init__(self, clock: Clock, *, max_entries: int = 10_000, max_bytes: int = 64_000_000) -> None:
        require("max_entries", max_entries, least=1, most=10_000_000)
        self._clock = clock
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[str, str, str], _Kept] = OrderedDict()

    async def begin(self, request: KeyedRequest, token: str, lease_seconds: float) -> Begun:
        now = self._clock.monotonic()
        kept = self._living(request, now)
        if kept is None:
            self._make_room(now)
            self._kept[_name(request)] = _Kept(request.fingerprint, token, now + lease_seconds)
            return Begun("started")
        if kept.fingerprint != request.fingerprint:
            return Begun("mismatch")
        if kept.finished:
            return Begun("done", kept.answer) if kept.answer is not None else Begun("unkept")
        return Begun("started" if kept.token == token else "running", None, kept.until - now)

    async def renew(self, request: KeyedRequest, token: str, lease_seconds: float) -> bool:
        now = self._clock.monotonic()
        kept = self._held(request, token, now)
        if kept is None:
            return False
        kept.until = now + lease_seconds
        return True

    async def finish(self, request: KeyedRequest, token: str, answer: StoredAnswer | None, keep_seconds: float) -> bool:
        now = self._clock.monotonic()
        kept = self._held(request, token, now)
        if kept is None:
            return False
        kept.finished, kept.answer, kept.until = True, answer, now + keep_seconds
        self._bytes += kept.weight
        self._kept.move_to_end(_name(request))
        return True

    async def abandon(self, request: KeyedRequest, token: str) -> None:
        if self._held(request, token, self._clock.monotonic()) is not None:
            del self._kept[_name(request)]

    def _living(self, request: KeyedRequest, now: float) -> _Kept | None:
        kept = self._kept.get(_name(request))
        if kept is not None and kept.until <= now:
            self._drop(_name(request))
            return None
        return kept

    def _held(self, request: KeyedRequest, token: str, now: float) -> _Kept | None:
        kept = self._living(request, now)
        return kept if kept is not None and not kept.finished and kept.token == token else None

    def _make_room(self, now: float) -> None:
        if len(self._kept) < self._max_entries and self._bytes < self._max_bytes:
            return
        for name in [name for name, kept in self._kept.items() if kept.until <= now]:
            self._drop(name)
        if len(self._kept) >= self._max_entries or self._bytes >= self._max_bytes:
            raise StoreUnavailable("No room is left for another `Idempotency-Key`.", entries=len(self._kept))

    def _drop(self, name: tuple[str, str, str]) -> None:
        self._bytes -= self._kept.pop(name).weight


def _name(request: KeyedRequest) -> tuple[str, str, str]:
    return request.tenant, request.operation, request.key
