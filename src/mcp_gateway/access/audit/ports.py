"""Where a trail is kept. Each method is about one tenant, except `append`, which takes the lines of all that wait."""

from collections.abc import Sequence
from typing import Protocol

from mcp_gateway.access.audit.model import AuditLine, Head, Seal, StoredRow
from mcp_gateway.access.audit.search import Search


class AuditStore(Protocol):
    """Every method raises `Unavailable` when the store does not answer."""

    async def append(self, lines: Sequence[AuditLine]) -> None:
        """Put the lines at the ends of their tenants' chains, in order, all or none, and return once that would survive a crash.

        Several processes may do so at the same time: each chain stays one.
        """
        ...

    async def tenants(self) -> tuple[str, ...]:
        """Everybody who has a chain, in order."""
        ...

    async def head(self, tenant: str) -> Head | None:
        """Where the chain ends; None when there is none."""
        ...

    async def read(self, tenant: str, *, after: int, limit: int) -> Sequence[StoredRow]:
        """The rows that follow a sequence, oldest first. Nothing about them is checked."""
        ...

    async def search(self, search: Search) -> Sequence[StoredRow]:
        """The newest rows that fit, newest first, `search.limit` at most."""
        ...

    async def seals(self, tenant: str) -> Sequence[Seal]:
        """Every seal, oldest first."""
        ...

    async def add_seal(self, seal: Seal) -> None:
        """Keep a seal; one for the same sequence takes the other's place."""
        ...

    async def remove_through(self, tenant: str, sequence: int) -> int:
        """Remove the rows up to and including a sequence; how many there were. Only `seals.prune` may ask for it."""
        ...
