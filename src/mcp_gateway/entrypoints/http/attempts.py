"""How often somebody may guess: failed sign-ins from one address within a minute."""

from collections import OrderedDict
from typing import Final

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError

WINDOW_SECONDS: Final = 60.0
MOST: Final = 10
MAX_ADDRESSES: Final = 10_000


class TooManyAttempts(GatewayError):
    """Too many failed sign-ins from this address."""

    code = "TOO_MANY_ATTEMPTS"
    category = "rate_limited"
    hint = "Wait a minute."
    retryable = True


class Attempts:
    """Counts failures alone, by address; bounded. Codes are far too long to guess: this keeps the log readable."""

    def __init__(self, clock: Clock, *, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, address: str) -> None:
        """Raises `TooManyAttempts`."""
        now = self._clock.monotonic()
        recent = [at for at in self._failed.get(address, ()) if now - at < WINDOW_SECONDS]
        if len(recent) >= self._most:
            raise TooManyAttempts(retry_after_seconds=WINDOW_SECONDS - (now - recent[0]))

    def failed(self, address: str) -> None:
        now = self._clock.monotonic()
        recent = [at for at in self._failed.pop(address, []) if now - at < WINDOW_SECONDS]
        self._failed[address] = [*recent, now][-self._most :]
        while len(self._failed) > MAX_ADDRESSES:
            self._failed.popitem(last=False)
