"""Calls that are cancelled while their thread comes back."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from mcp_gateway.adapters.databases.sessions import Rows, Session
from mcp_gateway.adapters.databases.threaded import ThreadedDatabase
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.schema import Table
from mcp_gateway.core.sql.errors import DatabaseUnavailable
from mcp_gateway.tables.model import Limits, Signal

pytestmark = pytest.mark.anyio


class Script:
    """A driver and its one session, which does in the worker thread what a test wants."""

    dialect, failures, growth_bytes = "scripted", (OSError,), 1_000_000_000

    def __init__(self, at_work: Callable[[], None]) -> None:
        self._at_work = at_work

    def connect(self) -> Session:
        return self

    def explain_failure(self, error: Exception, sql: str) -> GatewayError:
        return DatabaseUnavailable()

    def query(self, sql: str, timeout_seconds: float) -> AbstractContextManager[Rows]:
        raise OSError

    def explain(self, sql: str, limits: Limits) -> str:
        self._at_work()
        return "a plan"

    def read_structure(self) -> tuple[Table, ...]:
        return ()

    def read_signal(self) -> Signal:
        return Signal(structure="", data=None)

    def interrupt(self) -> None: ...

    def break_off(self) -> None: ...

    def close(self) -> None: ...


async def test_a_call_cancelled_at_the_moment_of_its_result_is_cancelled() -> None:
    loop, calls = asyncio.get_running_loop(), list[asyncio.Task[str]]()

    def cancel_with_the_result() -> None:
        """In the thread: the loop is to cancel right after it has heard of the result, before the caller has."""
        (running,) = database._running.values()
        running.add_done_callback(lambda _: loop.call_soon_threadsafe(calls[0].cancel))

    database = ThreadedDatabase(Script(cancel_with_the_result))
    calls.append(asyncio.create_task(database.explain("SELECT 1", Limits())))
    with pytest.raises(asyncio.CancelledError):
        await calls[0]
    await database.close()
