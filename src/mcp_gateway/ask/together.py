"""Several things at the same time, without leaving any behind."""

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any, TypeVar

from mcp_gateway.core.errors import GatewayError

T = TypeVar("T")


async def all_of(coroutines: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Every result, in order. The first to fail ends the others, and its error is raised as it is."""
    if len(coroutines) < 2:
        return [await coroutine for coroutine in coroutines]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except BaseExceptionGroup as failed:
        raise _first(failed) from None
    return [task.result() for task in tasks]


async def error_or(awaitable: Awaitable[T]) -> T | GatewayError:
    """The result, or the error of ours that it ended with."""
    try:
        return await awaitable
    except GatewayError as error:
        return error


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
