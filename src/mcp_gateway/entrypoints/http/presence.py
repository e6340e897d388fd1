"""Work that ends when its client goes away: a question nobody waits for must not keep a database busy."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.entrypoints.http.errors import ClientGone

T = TypeVar("T")


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; the body must have been read. Raises `ClientGone` once the client left, with `work` cancelled."""
    task = asyncio.create_task(work)
    leaving = asyncio.create_task(wait_for_leaving(receive))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return task.result()
    finally:
        await end_tasks(task, leaving)


async def wait_for_leaving(receive: Receive) -> None:
    """Returns when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
