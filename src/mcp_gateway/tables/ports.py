"""What offering tables needs from outside: one database, read-only. The adapters are in `adapters/databases/`."""

from typing import Protocol

from mcp_gateway.core.schema import Table
from mcp_gateway.tables.model import Limits, RawResult, Signal


class Database(Protocol):
    """A database that can only be read: the engine itself refuses to write, whatever the statement.

    Every method is safe to call concurrently, does its blocking work in threads, and raises
    - `DatabaseUnavailable` when the database does not answer, is locked, or its file is gone (the next call connects anew),
    - `QueryTimedOut` when its time limit passes,
    - `QueryTooLarge` when it takes more memory than one query may; the others go on,
    - `QueryFailed` with the database's words, classified.
    When the calling task is cancelled the running statement is interrupted at once.
    """

    @property
    def dialect(self) -> str:
        """sqlglot's name for its SQL: duckdb, sqlite, postgres, mysql, ..."""
        ...

    async def open(self) -> None:
        """Connect once, to find out early. Calling it on an open database does nothing."""
        ...

    async def close(self) -> None:
        """Interrupt what runs and let go of every connection, within a bound. Never raises."""
        ...

    async def read_structure(self) -> tuple[Table, ...]:
        """Tables and views with columns, declared keys and comments; row counts where they are cheap; no samples. By name."""
        ...

    async def read_signal(self) -> Signal:
        """Tokens that tell whether anything has changed, cheap enough to ask before every answer."""
        ...

    async def run(self, sql: str, limits: Limits) -> RawResult:
        """Run one statement that reads. Whether it only reads is checked before; the engine refuses the rest."""
        ...

    async def explain(self, sql: str, limits: Limits) -> str:
        """The engine's plan for the statement, as text, without running it. Of the limits only time and memory count."""
        ...
