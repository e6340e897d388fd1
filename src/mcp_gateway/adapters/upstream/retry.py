"""How long to wait between tries: exponential backoff with full jitter, bounded in number and in total time."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from mcp_gateway.core.clock import Clock

Sleep: TypeAlias = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Before the n-th retry a random time between 0 and `first_seconds` * 2^(n-1), at most `longest_seconds`.

    Full jitter keeps many clients of a server that comes back from knocking all at once.
    """

    first_seconds: float = 0.2
    longest_seconds: float = 5.0
    random: Random = field(default_factory=Random)

    def delays(self, max_retries: int, *, within_seconds: float, clock: Clock) -> Iterator[float]:
        """One delay for each retry; ends early when the next delay would pass the total time, counted from the first call."""
        start = clock.monotonic()
        for retry in range(max_retries):
            delay = self.random.uniform(0.0, min(self.longest_seconds, self.first_seconds * 2.0**retry))
            if clock.monotonic() - start + delay >= within_seconds:
                return
            yield delay
