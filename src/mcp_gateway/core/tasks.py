"""How work in the background begins and ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def begin_task(work: Coroutine[Any, Any, T], held: "set[asyncio.Task[T]]", *, name: str | None = None) -> "asyncio.Task[T]":
    """A task that is in `held` until it is over: the event loop by itself may lose one that nobody waits for."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    held.add(task)
    task.add_done_callback(held.discard)
    return task


async def completed(work: Coroutine[Any, Any, T]) -> T:
    """What the work gives; it ends however often the wait for it is cancelled, and the cancelling is raised after it."""
    task, cancelled = asyncio.ensure_future(work), None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
    if cancelled is not None and task.exception() is None:
        raise cancelled
    return task.result()


async def end_tasks(*tasks: asyncio.Future[Any] | None) -> None:
    """Cancel them and wait until they are over; what they raise is dropped. None: there is nothing to end."""
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
