"""Calls that are cancelled while their thread comes back."""

import asyncio
import threading
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
    # The moment is short: now and then the result is already delivered, and the cancellation comes too late.
    for _ in range(100):
        accepted, ended = await cancel_with_the_result()
        if accepted:
            assert ended
            return
    pytest.fail("no cancellation came in time")


async def cancel_with_the_result() -> tuple[bool, bool]:
    """Cancel a call right after the loop has heard of its result: whether it could be cancelled, and whether it then was."""
    loop, calls, begun = asyncio.get_running_loop(), list[asyncio.Task[str]](), threading.Event()
    accepted: asyncio.Future[bool] = loop.create_future()

    def in_the_thread() -> None:
        assert begun.wait(10)
        (running,) = database._running.values()
        running.add_done_callback(lambda _: loop.call_soon_threadsafe(lambda: accepted.set_result(calls[0].cancel())))

    database = ThreadedDatabase(Script(in_the_thread))
    calls.append(asyncio.create_task(database.explain("SELECT 1", Limits())))
    loop.call_soon(begun.set)
    await asyncio.wait(calls)
    await database.close()
    return await accepted, calls[0].cancelled()
