"""Work that several ask for at the same moment is done once. Not a cache: what is done is asked for anew."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mcp_gateway.core.tasks import end_tasks

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(slots=True)
class _Flight(Generic[T]):
    task: "asyncio.Task[T]"
    waiting: int = 0


class Flights(Generic[K, T]):
    """As many under way as there are keys; iterates over these. Whoever gives up waiting takes nothing from the others."""

    def __init__(self, *, outlast: bool) -> None:
        """`outlast`: what is under way goes on when nobody waits for it any more."""
        self._outlast = outlast
        self._under_way: dict[K, _Flight[T]] = {}

    def __iter__(self) -> Iterator[K]:
        return iter(self._under_way)

    def __len__(self) -> int:
        return len(self._under_way)

    async def join(self, key: K, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What the work under this key comes to, begun now unless it is under way. Raises what the work raises."""
        flight = self._under_way.get(key)
        if flight is None or flight.task.done():
            flight = self._begin(key, work)
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not self._outlast:
                self._forget(key, flight)
                flight.task.cancel()

    async def close(self) -> None:
        """End what is under way."""
        await end_tasks(*(flight.task for flight in self._under_way.values()))

    def _begin(self, key: K, work: Callable[[], Coroutine[Any, Any, T]]) -> _Flight[T]:
        flight = self._under_way[key] = _Flight(asyncio.get_running_loop().create_task(work()))
        flight.task.add_done_callback(lambda _: self._landed(key, flight))
        return flight

    def _landed(self, key: K, flight: _Flight[T]) -> None:
        self._forget(key, flight)
        if not flight.task.cancelled():
            # Whoever waits raises it; it must not be told as lost where nobody does any more.
            flight.task.exception()

    def _forget(self, key: K, flight: _Flight[T]) -> None:
        if self._under_way.get(key) is flight:
            del self._under_way[key]
