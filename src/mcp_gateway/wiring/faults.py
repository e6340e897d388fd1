"""Faults put in on purpose, from an order: which, where, and that it may be."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mcp_gateway.adapters.faults.errors import FaultNotHere
from mcp_gateway.adapters.faults.in_line import IN_LINE
from mcp_gateway.adapters.faults.in_redis import IN_REDIS, Store
from mcp_gateway.adapters.faults.offered import OFFERED, Offered
from mcp_gateway.adapters.faults.own_store import check_installed, own_store
from mcp_gateway.adapters.faults.targets import check_host
from mcp_gateway.adapters.faults.tcp_proxy import TcpProxy
from mcp_gateway.core.errors import InvalidInput, NotFound
from mcp_gateway.kit.redis.address import read_address

OWN = "own"


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultOrder:
    """`fault`: a code or a cause. `redis`: a URL, or "own" for a store made for it. `target`: HOST:PORT that a line leads to.

    `listen`: the line's port on loopback, 0 for a free one. `allow_remote`: a host that is not this machine and may be hurt.
    """

    fault: str
    seconds: float
    redis: str | None = field(default=None, repr=False)
    target: str | None = None
    listen: int = 0
    allow_remote: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Exercise:
    """Ready to begin: enter `fault`, and leave it. `where` it is; `made`: that was made for it and ends with it."""

    where: str
    made: bool
    fault: AbstractAsyncContextManager[None]


def offered_faults() -> tuple[Offered, ...]:
    """All of them, also those that the benchmark alone has. Raises `FaultsNotInstalled`."""
    check_installed()
    return OFFERED


def check_order(order: FaultOrder) -> Offered:
    """What is ordered, if it can be had there and may be. Touches nothing.

    Raises `FaultsNotInstalled`, `NotFound`, `FaultNotHere`, `FaultTargetRefused` and `InvalidInput`.
    """
    named = {order.fault.casefold()}
    found = next((one for one in offered_faults() if named & {one.code.casefold(), one.cause}), None)
    if found is None:
        raise NotFound(f"There is no fault {order.fault[:60]}.", hint="`mcp-gateway ops faults` lists them.")
    if found.needs == "rig":
        why = f"{found.code} needs parts that can be told to misbehave: only those of the benchmark can."
        raise FaultNotHere(why, code=found.code)
    host = _redis_host(order) if found.needs == "redis" else _target(order)[0]
    if host:
        check_host(host, allowed=order.allow_remote)
    return found


@asynccontextmanager
async def open_exercise(order: FaultOrder) -> AsyncIterator[Exercise]:
    """Nothing is hurt yet. Raises what `check_order` raises, and `InvalidInput` when the line's port is taken."""
    offered = check_order(order)
    async with AsyncExitStack() as stack:
        if offered.needs == "redis":
            made = order.redis == OWN
            url = await stack.enter_async_context(own_store()) if made else str(order.redis)
            store = Store(url=url, mark=f"fault-{secrets.token_hex(6)}", seconds=order.seconds)
            where = f"a Valkey of its own, {url}" if made else f"the Redis at {read_address(url).shown}"
            yield Exercise(where=where, made=made, fault=IN_REDIS[offered.code](store))
        else:
            line = TcpProxy(*_target(order), listen=order.listen)
            try:
                await stack.enter_async_context(line)
            except OSError as error:
                raise InvalidInput(f"Nobody can listen at port {order.listen}: it is taken.") from error
            where = f"the line 127.0.0.1:{line.port} -> {order.target}"
            yield Exercise(where=where, made=True, fault=IN_LINE[offered.code](line))


def _redis_host(order: FaultOrder) -> str:
    """Empty for a store that is of this machine anyway."""
    if order.redis is None:
        raise InvalidInput("This fault is put into a Redis: name it with --redis, or let --redis own make one.")
    if order.redis == OWN:
        return ""
    address = read_address(order.redis)
    return "" if address.path else address.host


def _target(order: FaultOrder) -> tuple[str, int]:
    if order.target is None:
        raise InvalidInput("This fault is put into a line: name with --target, HOST:PORT, where it leads.")
    with contextlib.suppress(ValueError):  # a port that is none
        parts = urlsplit(f"//{order.target}")
        if parts.hostname and parts.port:
            return parts.hostname, parts.port
    raise InvalidInput("A target is written HOST:PORT.")
