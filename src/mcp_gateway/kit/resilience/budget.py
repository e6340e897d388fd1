"""How many extra calls retries and hedges may add to the traffic: a share of it, and a small number for quiet times.

Without it, three attempts for every call triple the load of a part exactly when it is failing.
"""

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.kit.resilience.ranges import require

_CLOCK = SystemClock()
_BUCKETS = 10


class RetryBudget:
    """Within `seconds`, extra calls stay at or below `share` of the calls plus `minimum_per_second` for each second.

    One budget per part called, shared by everything that calls it in this process. Counted in tenths of the window.
    """

    def __init__(
        self, *, share: float = 0.2, minimum_per_second: float = 1.0, seconds: float = 10.0, clock: Clock = _CLOCK
    ) -> None:
        require("share", share, least=0, most=1)
        require("minimum_per_second", minimum_per_second, least=0, most=10_000)
        require("seconds", seconds, least=0.1, most=3_600)
        self._share = share
        self._minimum = minimum_per_second * seconds
        self._length = seconds / _BUCKETS
        self._clock = clock
        self._number = 0
        self._calls = [0] * _BUCKETS
        self._extra = [0] * _BUCKETS
        self.calls = self.extra = 0

    def count_call(self) -> None:
        """A call that would have been made anyway."""
        self._turn()
        self._calls[self._number % _BUCKETS] += 1
        self.calls += 1

    def take(self) -> bool:
        """Whether one extra call may be made; it is counted when it may."""
        self._turn()
        # The small addition forgives 0.1 * 30 being a hair above 3.
        if self.extra + 1 > self._share * self.calls + self._minimum + 1e-9:
            return False
        self._extra[self._number % _BUCKETS] += 1
        self.extra += 1
        return True

    def _turn(self) -> None:
        number = int(self._clock.monotonic() / self._length)
        if number == self._number:
            return
        for passed in range(max(self._number + 1, number - _BUCKETS + 1), number + 1):
            index = passed % _BUCKETS
            self.calls -= self._calls[index]
            self.extra -= self._extra[index]
            self._calls[index] = self._extra[index] = 0
        self._number = number
