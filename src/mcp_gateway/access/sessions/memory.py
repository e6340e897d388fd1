"""Sessions of one process, bounded: the embedded default."""

from collections import OrderedDict
from dataclasses import dataclass

from mcp_gateway.access.sessions.ports import EndListener
from mcp_gateway.core.clock import Clock

MAX_KEYS = 50_000


@dataclass(slots=True)
class _Kept:
    text: str
    owner: str
    ends: float


class MemorySessionStore:
    """Fits `SessionStore`. When it is full, what was used longest ago makes room."""

    def __init__(self, clock: Clock, *, max_keys: int = MAX_KEYS) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._listeners: list[EndListener] = []

    async def put(self, key: str, text: str, *, ttl_seconds: float, owner: str = "") -> None:
        self._kept[key] = _Kept(text, owner, self._clock.monotonic() + ttl_seconds)
        self._kept.move_to_end(key)
        while len(self._kept) > self._max_keys:
            self._kept.popitem(last=False)

    async def get(self, key: str) -> str | None:
        kept = self._live(key)
        return kept.text if kept else None

    async def take(self, key: str) -> str | None:
        kept = self._live(key)
        if kept is None:
            return None
        del self._kept[key]
        return kept.text

    async def extend(self, key: str, ttl_seconds: float) -> bool:
        kept = self._live(key)
        if kept is None:
            return False
        kept.ends = self._clock.monotonic() + ttl_seconds
        return True

    async def remove(self, key: str) -> bool:
        found = self._live(key) is not None
        self._kept.pop(key, None)
        self._tell(key)
        return found

    async def remove_all(self, owner: str) -> int:
        now = self._clock.monotonic()
        keys = [key for key, kept in self._kept.items() if kept.owner == owner and kept.ends > now]
        for key in keys:
            del self._kept[key]
            self._tell(key)
        return len(keys)

    def on_end(self, listener: EndListener) -> None:
        self._listeners.append(listener)

    def _live(self, key: str) -> _Kept | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.ends <= self._clock.monotonic():
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return kept

    def _tell(self, key: str) -> None:
        for listener in self._listeners:
            listener(key)
