"""The caches of this process that a shared level tells of invalidations, by name."""

from collections.abc import Iterator

from mcp_gateway.kit.cache.ports import CoherenceListener


class Listeners:
    """May change while they are being told: who is told is settled when the telling begins."""

    def __init__(self) -> None:
        self._by_cache: dict[str, list[CoherenceListener]] = {}

    def __iter__(self) -> Iterator[CoherenceListener]:
        return iter([listener for listeners in self._by_cache.values() for listener in listeners])

    def attach(self, cache: str, listener: CoherenceListener) -> None:
        self._by_cache.setdefault(cache, []).append(listener)

    def detach(self, cache: str, listener: CoherenceListener) -> None:
        """One that is not attached is ignored."""
        listeners = self._by_cache.get(cache, [])
        if listener in listeners:
            listeners.remove(listener)

    def of(self, cache: str) -> tuple[CoherenceListener, ...]:
        return tuple(self._by_cache.get(cache, ()))
