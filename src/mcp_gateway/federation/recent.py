"""The last calls of every tenant, for people who want to see what goes on just now. The audit trail is what stays."""

from collections import deque
from typing import Final, NamedTuple

MAX_KEPT: Final = 1_000


class RecentCall(NamedTuple):
    """`at` in seconds since 1970; `outcome` "answered", "failed", "refused" or "cancelled"; `number` grows with every call."""

    number: int
    at: float
    tenant: str
    subject: str
    server: str
    method: str
    name: str
    outcome: str
    error_code: str
    duration_ms: float
    revision: str


class RecentCalls:
    """Bounded; of this replica alone."""

    def __init__(self, most: int = MAX_KEPT) -> None:
        self._kept: deque[RecentCall] = deque(maxlen=most)
        self.number = 0

    def add(self, call: RecentCall) -> None:
        self._kept.append(call)

    def of(self, tenant: str, *, after: int = 0, most: int = 100) -> list[RecentCall]:
        """The newest of a tenant, oldest first, with a number above `after`."""
        found = [call for call in reversed(self._kept) if call.number > after and call.tenant == tenant]
        return found[:most][::-1]
