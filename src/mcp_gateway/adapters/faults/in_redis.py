"""Faults of a Redis that somebody names. Each is a context; what it wrote or set is taken back at its end.

What is written bears `mark`, and expires a minute after its time should this process be killed, but for the keys whose fault it
is that they do not. A setting changed by a process that is killed stays changed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeAlias

from mcp_gateway.adapters.faults.errors import FaultNotUndone
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.kit.errors import RulesChanged, StoreRefused, StoreUnavailable
from mcp_gateway.kit.limits.documents import from_text, to_text
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisRuleStore

CALL_SECONDS = 5.0
UNDONE_WITHIN_SECONDS = 10.0
GRACE_SECONDS = 60
BATCH = 1_000
FIELDS, WALKED = 8_000, 60_000
COUNTERS_A_SECOND = 100
PAUSE_MILLISECONDS = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """`mark`: what the names of all that is written hold. `seconds`: how long the fault lasts."""

    url: str = field(repr=False)
    mark: str
    seconds: float

    @property
    def expiry(self) -> str:
        return str(int(self.seconds) + GRACE_SECONDS)

    async def line(self) -> RedisConnection:
        """Raises `StoreUnavailable` and `InvalidStoreUrl`."""
        return await RedisConnection.open(self.url, timeout_seconds=CALL_SECONDS)


@asynccontextmanager
async def endless_counters(store: Store) -> AsyncIterator[None]:
    """F01."""
    names: list[str] = []

    async def count(line: RedisConnection) -> None:
        for _ in range(COUNTERS_A_SECOND // 10):
            names.append(f"rate_limit:{{{store.mark}}}:chat:tenant:w6:s{len(names)}")
            await line.call("INCR", names[-1])

    async with _removed(store, names), _again(store, count, every_seconds=0.1):
        yield


@asynccontextmanager
async def lower_limits(store: Store) -> AsyncIterator[None]:
    """F03. Rules in a program's own code are out of reach; when somebody stores others meanwhile, those stay."""
    async with await store.line() as line:
        rules = RedisRuleStore(line, timeout_seconds=CALL_SECONDS)
        stored = await rules.load()
        if not stored.text:
            raise InvalidInput("No rules are stored there that could be lowered.")
        usual = from_text(stored.text)
        lowered = replace(usual, rules=tuple(replace(one, limit=max(1, one.limit // 10)) for one in usual.rules))
        revision = await rules.save(to_text(lowered), expected_revision=stored.revision)

    async def undo(line: RedisConnection) -> None:
        with contextlib.suppress(RulesChanged):
            await RedisRuleStore(line, timeout_seconds=CALL_SECONDS).save(stored.text, expected_revision=revision)

    async with _undone(store, undo, "store the former rules again"):
        yield


@asynccontextmanager
async def no_memory(store: Store) -> AsyncIterator[None]:
    """F06. Nothing is thrown out: what is there stays."""
    async with await store.line() as line:
        policy, most = await _setting(line, "maxmemory-policy"), await _setting(line, "maxmemory")

    async def undo(line: RedisConnection) -> None:
        await line.call("CONFIG", "SET", "maxmemory", most)
        await line.call("CONFIG", "SET", "maxmemory-policy", policy)

    async with _undone(store, undo, f"CONFIG SET maxmemory {most}, and maxmemory-policy {policy}"), await store.line() as line:
        await line.call("CONFIG", "SET", "maxmemory-policy", "noeviction")
        await line.call("CONFIG", "SET", "maxmemory", "1")
        yield


@asynccontextmanager
async def big_value(store: Store) -> AsyncIterator[None]:
    """F09."""
    name = f"cache:{store.mark}"
    pairs = [word for index in range(FIELDS) for word in (f"field-{index}", "x" * 40)]

    async def read(line: RedisConnection) -> None:
        await line.call("HGETALL", name)

    async with _removed(store, [name]):
        async with await store.line() as line:
            await line.call("HSET", name, *pairs)
            await line.call("EXPIRE", name, store.expiry)
        async with _again(store, read, every_seconds=0.05):
            yield


@asynccontextmanager
async def walked_keys(store: Store) -> AsyncIterator[None]:
    """F10."""
    names = [f"{store.mark}:{index}" for index in range(WALKED)]

    async def walk(line: RedisConnection) -> None:
        await line.call("KEYS", f"{store.mark}:nobody:*")

    async with _removed(store, names):
        async with await store.line() as line:
            for batch in _batches(names):
                await asyncio.gather(*(line.call("SET", name, "x", "EX", store.expiry) for name in batch))
        async with _again(store, walk, every_seconds=0.25):
            yield


@asynccontextmanager
async def answering_nobody(store: Store) -> AsyncIterator[None]:
    """F11, by pauses that end by themselves, whatever becomes of this process."""

    async def pause(line: RedisConnection) -> None:
        await line.call("CLIENT", "PAUSE", str(PAUSE_MILLISECONDS), "ALL")

    async with _again(store, pause, every_seconds=0):
        yield


IN_REDIS: Mapping[str, Callable[[Store], AbstractAsyncContextManager[None]]] = MappingProxyType(
    {
        "F01": endless_counters,
        "F03": lower_limits,
        "F06": no_memory,
        "F09": big_value,
        "F10": walked_keys,
        "F11": answering_nobody,
    }
)

Step: TypeAlias = Callable[[RedisConnection], Awaitable[None]]


@asynccontextmanager
async def _again(store: Store, step: Step, *, every_seconds: float) -> AsyncIterator[None]:
    """Do it until the context is left. What the first time raises is raised; later the store may come and go."""

    async def repeat(line: RedisConnection) -> None:
        while True:
            await asyncio.sleep(every_seconds)
            with contextlib.suppress(StoreUnavailable, StoreRefused):
                await step(line)

    async with await store.line() as line:
        await step(line)
        task = asyncio.create_task(repeat(line))
        try:
            yield
        finally:
            await end_tasks(task)


@asynccontextmanager
async def _removed(store: Store, names: Sequence[str]) -> AsyncIterator[None]:
    """These keys, also those that become more meanwhile, are gone at the end."""

    async def undo(line: RedisConnection) -> None:
        for batch in _batches(names):
            await line.call("UNLINK", *batch)

    async with _undone(store, undo, f"remove the keys whose names hold {store.mark}"):
        yield


@asynccontextmanager
async def _undone(store: Store, undo: Step, by_hand: str) -> AsyncIterator[None]:
    """Tries for ten seconds. Raises `FaultNotUndone`, which says what is left to do."""
    try:
        yield
    finally:
        loop = asyncio.get_running_loop()
        until = loop.time() + UNDONE_WITHIN_SECONDS
        while True:
            try:
                async with await store.line() as line:
                    await undo(line)
                break
            except (StoreUnavailable, StoreRefused) as error:
                if loop.time() > until:
                    raise FaultNotUndone(f"It could not be taken back. By hand: {by_hand}.") from error
                await asyncio.sleep(0.5)


async def _setting(line: RedisConnection, name: str) -> str:
    reply = await line.call("CONFIG", "GET", name)
    value = reply.get(name.encode()) if isinstance(reply, dict) else None
    if not isinstance(value, bytes):
        raise InvalidInput(f"The store does not say what its {name} is.")
    return value.decode()


def _batches(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[begin : begin + BATCH] for begin in range(0, len(names), BATCH)]
