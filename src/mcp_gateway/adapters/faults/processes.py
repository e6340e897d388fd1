"""Processes that are stopped, or stopped again and again, by their id. Goes on when the context is left."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator

from mcp_gateway.core.tasks import end_tasks


@contextlib.asynccontextmanager
async def stopped(pid: int) -> AsyncIterator[None]:
    """The process keeps its sockets and does nothing."""
    _send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        _send(pid, signal.SIGCONT)


@contextlib.asynccontextmanager
async def stuttering(
    pid: int, *, stopped_seconds: float, running_seconds: float, until: asyncio.Event | None = None
) -> AsyncIterator[None]:
    """Stopped and going on in turns, as a process starved of its processor is; `until` ends it early."""
    task = asyncio.create_task(_stutter(pid, stopped_seconds, running_seconds, until or asyncio.Event()))
    try:
        yield
    finally:
        await end_tasks(task)
        _send(pid, signal.SIGCONT)


async def _stutter(pid: int, stopped_seconds: float, running_seconds: float, until: asyncio.Event) -> None:
    while not until.is_set():
        _send(pid, signal.SIGSTOP)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(until.wait(), stopped_seconds)
        _send(pid, signal.SIGCONT)
        await asyncio.sleep(running_seconds)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
