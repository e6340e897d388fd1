"""What the limiter needs from a store. Implemented by `memory.py` and by `kit.redis.limits`."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from mcp_gateway.kit.limits.plans import Outcome, Plan


class LimitStore(Protocol):
    """Keeps the counts.

    Each method raises (at once or when awaited) `StoreUnavailable` or `StoreRefused`, within a bounded time; what was asked may
    then still happen later. Time is the store's own.
    """

    def take(self, plan: Plan, cost: int) -> Outcome | Awaitable[Outcome]:
        """Charge `cost` to every rule of the plan or, when an enforced one refuses, to none.

        A rule in shadow is charged when the call passes and it would let it pass. At once when the store is in this process.
        """
        ...

    def look(self, plan: Plan) -> Outcome | Awaitable[Outcome]:
        """The same figures for a call that costs nothing; nothing changes."""
        ...


class Place(NamedTuple):
    """One key that a holder wants a place under: at most `limit` places, each lapsing by itself after `lease_us`."""

    key: str
    limit: int
    lease_us: int


class LeaseStore(Protocol):
    """Keeps who is under way. Raises like `LimitStore`; a place given after the answer was given up lapses by itself."""

    async def acquire(self, places: Sequence[Place], holder: str) -> list[int]:
        """A place under every key or none: first 0 when given, otherwise microseconds until a place lapses at the latest; then
        for each key how many hold it, this holder included when it was given a place."""
        ...

    async def renew(self, places: Sequence[Place], holder: str) -> bool:
        """Begin every lease anew; False when one had lapsed, and then it is not given again."""
        ...

    def release(self, places: Sequence[Place], holder: str) -> None:
        """Give the places back. Returns at once and never raises: what does not arrive lapses."""
        ...

    async def held(self, places: Sequence[Place]) -> list[int]:
        """For each key how many hold it."""
        ...


class StoredDocument(NamedTuple):
    """The stored rules as text, their revision (0: none were ever stored) and the store's time."""

    text: str
    revision: int
    now: datetime


class RuleStore(Protocol):
    """Keeps one document of rules for all replicas. Raises like `LimitStore`."""

    async def load(self, *, known_revision: int = 0) -> StoredDocument:
        """`text` is empty when nothing is stored or the revision is the known one."""
        ...

    async def save(self, text: str, *, expected_revision: int) -> int:
        """Replace the document and tell every replica; the new revision, larger than any before.

        Raises `RulesChanged` when the old one is another than expected.
        """
        ...

    async def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` soon after each change, in this process or another. May miss one: read again from time to time."""
        ...

    async def unwatch(self, changed: Callable[[], None]) -> None: ...
