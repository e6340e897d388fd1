"""What definitions need of the outside: somewhere to be written down that every replica reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mcp_gateway.registry.definitions.model import Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A record to be written in place of the one that was `known`; None: where there is none."""

    known: Record | None
    record: Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """What was written since, and the servers forgotten since, to be dropped before. `version` is where to go on."""

    version: int
    records: tuple[Record, ...]
    forgotten: tuple[str, ...] = ()


class DefinitionStore(Protocol):
    """Raises `Unavailable` when it does not answer. One contract suite runs over each."""

    async def read_version(self) -> int:
        """Grows with every change."""
        ...

    async def read(self, since: int) -> Read:
        """Everything written after this version; -1: all there is."""
        ...

    async def write(self, changes: Sequence[Change]) -> int | None:
        """All of them, in one transaction: the version after it. None: one of the known ones is no longer as known, and nothing
        was written.
        """
        ...

    async def forget(self, server: str) -> None:
        """All of a server's, as if it had never been seen."""
        ...
