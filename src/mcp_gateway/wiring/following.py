"""What goes on in the background while something is open: how such work pauses, how it fails, how it ends.

Loops over one fixed pause; what keeps a timetable of its own (health, rounds, limits) has its wall beside it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager

import structlog

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.tasks import end_tasks

log = structlog.get_logger(__name__)


async def repeat(
    work: Callable[[], Awaitable[object]], seconds: float, event: str, *, at_once: bool = False, **facts: str
) -> None:
    """Do it after every pause of so many `seconds`, until this is cancelled; `at_once`: before the first pause too.

    What is away, a `GatewayError`, is said once as `event`, and once more when it is back. Any other failure is a fault of
    ours: it is said each time, with its traceback, and the loop goes on.
    """
    away = False
    if not at_once:
        await asyncio.sleep(seconds)
    while True:
        try:
            await work()
        except GatewayError as error:
            if not away:
                log.warning(event, code=error.code, **facts)
            away = True
        except Exception:
            log.exception(event, **facts)
        else:
            if away:
                log.info("back_again", after=event, **facts)
            away = False
        await asyncio.sleep(seconds)


@asynccontextmanager
async def running(*work: Coroutine[object, object, object]) -> AsyncIterator[None]:
    """It goes on as long as the block lasts, unless it ends by itself. What fails is logged, and disturbs nothing else."""
    tasks = [asyncio.create_task(one) for one in work]
    for task in tasks:
        task.add_done_callback(_tell_fault)
    try:
        yield
    finally:
        await end_tasks(*tasks)


def _tell_fault(task: "asyncio.Task[object]") -> None:
    fault = None if task.cancelled() else task.exception()
    if fault is not None:
        log.error("background_fault", exc_info=fault)
