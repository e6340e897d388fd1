"""What the threaded database needs from a driver: blocking sessions, one thread at a time each.

A `Driver` knows one kind of database; a `Session` is one connection to it. Nothing here knows asyncio.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.schema import Table
from mcp_gateway.tables.model import Limits, RawResult, ResultColumn, Signal


class Rows(Protocol):
    """A running result. `columns` may be asked only after the first `fetch`."""

    def fetch(self, count: int) -> Sequence[Sequence[object]]:
        """At most `count` further rows; empty at the end."""
        ...

    def columns(self, first_rows: Sequence[Sequence[object]]) -> tuple[ResultColumn, ...]:
        """`first_rows` help where the engine has no types of its own (SQLite)."""
        ...


class Session(Protocol):
    """One connection that the engine holds read-only."""

    def query(self, sql: str, timeout_seconds: float) -> AbstractContextManager[Rows]:
        """Run one statement. The engine's own time limit is set too where it has one."""
        ...

    def explain(self, sql: str, limits: Limits) -> str: ...

    def read_structure(self) -> tuple[Table, ...]: ...

    def read_signal(self) -> Signal: ...

    def interrupt(self) -> None:
        """Stop what runs, from any other thread. Does nothing when nothing runs."""
        ...

    def break_off(self) -> None:
        """Stop what runs at any price, from any other thread: the session need not be of use afterwards."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class RunsApart(Protocol):
    """A session whose engine cannot hold a statement that `may_grow` within bounds, and runs it in a process of its own."""

    def run_apart(self, sql: str, limits: Limits) -> RawResult: ...


class Driver(Protocol):
    """One kind of database at one place."""

    @property
    def dialect(self) -> str: ...

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """The exceptions its sessions raise."""
        ...

    @property
    def growth_bytes(self) -> int:
        """How far this process may grow under a statement before that is broken off."""
        ...

    def connect(self) -> Session:
        """A new session; raises `DatabaseUnavailable` or one of `failures`."""
        ...

    def explain_failure(self, error: Exception, sql: str) -> GatewayError:
        """Our error for one of `failures`; it is `DatabaseUnavailable` exactly when the session is of no more use."""
        ...

    def close(self) -> None:
        """After the last session is closed."""
        ...
