"""Which tokens are no longer believed, held in memory so that every request can ask; the store is where it is written down.

Following the other replicas' changes is not done here: whoever follows the store calls `reload` when something moved and `vouch`
when nothing did. When neither happened for too long, `stale` says so and no token is accepted.
"""

import asyncio
import math
from collections.abc import Iterable
from typing import Final

from mcp_gateway.access.tokens.ports import RevocationStore
from mcp_gateway.access.tokens.records import Revocation
from mcp_gateway.core.clock import Clock

NEVER: Final = -math.inf


class Revocations:
    """What the store said last, and what was revoked here since. `stale_after_seconds` None: never stale, as nobody follows."""

    def __init__(self, store: RevocationStore, clock: Clock, *, stale_after_seconds: float | None = None) -> None:
        self._store = store
        self._clock = clock
        self._stale_after = math.inf if stale_after_seconds is None else stale_after_seconds
        # Not known before the first `reload`.
        self._vouched_at = NEVER
        self._changing = asyncio.Lock()
        self._tokens: set[tuple[str, str]] = set()
        self._subjects: dict[tuple[str, str], float] = {}

    async def reload(self) -> None:
        """Take over what the store says now. What it raises leaves everything as it was."""
        async with self._changing:
            asked_at = self._clock.monotonic()
            current = await self._store.read_current(self._clock.timestamp())
            self._tokens, self._subjects = set(), {}
            self._learn(current)
            self._vouched_at = asked_at

    def vouch(self) -> None:
        """The store was asked and nothing has changed since the last `reload`."""
        if self._vouched_at != NEVER:
            self._vouched_at = self._clock.monotonic()

    async def add(self, revocation: Revocation) -> None:
        """Write it down; in this process it holds when this returns."""
        async with self._changing:
            await self._store.add(revocation)
            self._learn([revocation])

    def stale(self, monotonic: float) -> bool:
        """Whether the store has not been heard of for so long that nothing can be said."""
        return monotonic - self._vouched_at > self._stale_after

    def revoked(self, token: tuple[str, str], subject: tuple[str, str], issued_at: float) -> bool:
        """`token` is tenant and token id, `subject` tenant and subject; `issued_at` in seconds since 1970."""
        if token in self._tokens:
            return True
        not_before = self._subjects.get(subject)
        return not_before is not None and not_before >= issued_at

    def _learn(self, revocations: Iterable[Revocation]) -> None:
        for revocation in revocations:
            key = (revocation.tenant, revocation.value)
            if revocation.kind == "token":
                self._tokens.add(key)
            else:
                self._subjects[key] = max(revocation.not_before, self._subjects.get(key, NEVER))
