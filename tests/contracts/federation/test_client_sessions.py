"""What every store of older clients' sessions must do, over memory and a real Valkey."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.redis_client_sessions import RedisClientSessions
from mcp_gateway.core.clock import FixedClock, SystemClock
from mcp_gateway.core.errors import TooLarge
from mcp_gateway.federation.client_sessions.errors import ClientSessionsAway, TooManyClientSessions, TooManySessionsOfCaller
from mcp_gateway.federation.client_sessions.memory import MemoryClientSessions
from mcp_gateway.federation.client_sessions.model import ClientSession
from mcp_gateway.federation.client_sessions.ports import ClientSessionStore
from mcp_gateway.kit.redis.connection import RedisConnection

pytestmark = pytest.mark.anyio

IDLE_SECONDS = 1.6
SESSION = ClientSession(
    key="a",
    endpoint="",
    tenant="acme",
    issuer="https://id.example",
    subject="anna ü",
    revision="2025-11-25",
    info={"name": "older", "version": "1"},
    capabilities={"sampling": {}, "experimental": {"n": 2**70}},
)


@dataclass(frozen=True)
class Store:
    """A store as two replicas see it; in memory there is but one."""

    one: ClientSessionStore
    other: ClientSessionStore
    passes: Callable[[float], Awaitable[None]]


@pytest.fixture(params=["memory", "valkey"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "memory":
        clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))

        async def moves(seconds: float) -> None:
            clock.advance(seconds)

        memory = MemoryClientSessions(clock, idle_seconds=IDLE_SECONDS, max_sessions=4, max_of_one=2)
        yield Store(memory, memory, moves)
        return
    valkey: ValkeyProcess = request.getfixturevalue("valkey")
    async with AsyncExitStack() as stack:
        replicas = [await _replica(stack, valkey) for _ in range(2)]
        yield Store(replicas[0], replicas[1], asyncio.sleep)


async def _replica(stack: AsyncExitStack, valkey: ValkeyProcess) -> RedisClientSessions:
    connection = await stack.enter_async_context(await RedisConnection.open(valkey.url, timeout_seconds=5.0))
    replica = RedisClientSessions(
        connection, clock=SystemClock(), timeout_seconds=5.0, idle_seconds=IDLE_SECONDS, max_sessions=4, max_of_one=2
    )
    await replica.listen()
    stack.callback(replica.close)
    return replica


async def seen(store: ClientSessionStore, key: str, holds: Callable[[ClientSession | None], bool]) -> ClientSession | None:
    """The session as soon as this replica sees what came about."""
    async with asyncio.timeout(20):
        while not holds(session := await store.find(key)):  # noqa: ASYNC110 - another replica is asked
            await asyncio.sleep(0.005)
    return session


async def test_a_session_is_found_by_every_replica_as_it_was_opened(store: Store) -> None:
    await store.one.add(SESSION)

    assert await store.one.find("a") == SESSION
    assert await store.other.find("a") == SESSION
    assert await store.other.find("b") is None


async def test_a_session_ends_when_nobody_uses_it(store: Store) -> None:
    await store.one.add(SESSION)
    for _ in range(3):
        await store.passes(IDLE_SECONDS * 0.5)
        assert await store.one.find("a") == SESSION
    await store.passes(IDLE_SECONDS * 2.5)

    assert await store.one.find("a") is None
    assert await store.other.find("a") is None
    assert not await store.one.set_log_level("a", "info")
    assert not await store.one.subscribe("a", "x://1", most=5)
    assert not await store.one.unsubscribe("a", "x://1")
    assert not await store.one.replace(SESSION)
    assert not await store.one.remove("a")


async def test_what_is_changed_at_one_replica_is_seen_at_the_other(store: Store) -> None:
    await store.one.add(SESSION)
    assert await store.other.find("a") == SESSION
    assert await store.one.set_log_level("a", "warning")
    assert await store.one.subscribe("a", "x://ü 1", most=5)
    assert await store.other.subscribe("a", "x://2", most=5)

    changed = replace(SESSION, log_level="warning", subscriptions=frozenset({"x://ü 1", "x://2"}))
    assert await seen(store.one, "a", lambda session: session == changed)
    assert await seen(store.other, "a", lambda session: session == changed)
    assert await store.other.unsubscribe("a", "x://2")
    assert await store.other.unsubscribe("a", "x://3")
    found = await seen(store.one, "a", lambda session: session is not None and "x://2" not in session.subscriptions)
    assert found is not None
    assert found.subscriptions == {"x://ü 1"}


async def test_subscriptions_made_at_once_are_all_kept(store: Store) -> None:
    await store.one.add(SESSION)
    uris = [f"x://{number}" for number in range(20)]
    both = (store.one, store.other)
    await asyncio.gather(*(both[number % 2].subscribe("a", uri, most=20) for number, uri in enumerate(uris)))

    assert await seen(store.one, "a", lambda session: session is not None and session.subscriptions == frozenset(uris))


async def test_a_session_has_only_so_many_subscriptions(store: Store) -> None:
    await store.one.add(SESSION)
    await store.one.set_log_level("a", "info")
    for uri in ("x://1", "x://2", "x://1"):
        assert await store.one.subscribe("a", uri, most=2)
    with pytest.raises(TooLarge):
        await store.one.subscribe("a", "x://3", most=2)


async def test_what_a_client_says_of_itself_later_takes_the_place_of_what_was_there(store: Store) -> None:
    await store.one.add(replace(SESSION, info=None, capabilities={}))
    await store.one.set_log_level("a", "info")
    assert await store.one.replace(replace(SESSION, log_level="info"))

    assert await seen(store.other, "a", lambda session: session == replace(SESSION, log_level="info"))


async def test_an_ended_session_is_gone_everywhere(store: Store) -> None:
    await store.one.add(SESSION)
    assert await store.other.find("a") == SESSION
    assert await store.one.remove("a")

    assert await store.one.find("a") is None
    assert await seen(store.other, "a", lambda session: session is None) is None
    assert not await store.other.remove("a")


async def test_no_owner_has_more_than_their_share_and_all_together_have_only_so_many(store: Store) -> None:
    await store.one.add(SESSION)
    await store.other.add(replace(SESSION, key="b"))
    with pytest.raises(TooManySessionsOfCaller):
        await store.one.add(replace(SESSION, key="c"))
    await store.one.add(replace(SESSION, key="d", issuer="https://other.example"))
    await store.one.add(replace(SESSION, key="e", tenant="other"))
    with pytest.raises(TooManyClientSessions):
        await store.other.add(replace(SESSION, key="f", subject="bert"))

    await store.other.remove("b")
    await store.one.add(replace(SESSION, key="c"))


async def test_sessions_that_ended_by_themselves_make_room(store: Store) -> None:
    await store.one.add(SESSION)
    await store.one.add(replace(SESSION, key="b"))
    await store.passes(IDLE_SECONDS * 1.5)

    await store.one.add(replace(SESSION, key="c"))


async def test_every_replica_hears_of_changes_ends_and_announcements(store: Store) -> None:
    heard: list[tuple[str | None, str]] = []
    told = asyncio.Event()

    def listener(key: str | None, note: str) -> None:
        heard.append((key, note))
        told.set()

    store.other.on_change(listener)
    await store.one.add(SESSION)
    await store.one.subscribe("a", "x://1", most=5)
    await store.one.announce("a", 'cancelled:"ü 1"')
    await store.one.remove("a")
    async with asyncio.timeout(20):
        while len(heard) < 3:
            told.clear()
            await told.wait()

    assert heard == [("a", ""), ("a", 'cancelled:"ü 1"'), ("a", "")]


async def test_while_the_store_is_away_what_this_replica_knows_goes_on(valkey_process: ValkeyProcess) -> None:
    heard: list[str | None] = []
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    async with await RedisConnection.open(valkey_process.url, timeout_seconds=5.0) as connection:
        replica = RedisClientSessions(connection, clock=clock, timeout_seconds=5.0)
        await replica.add(replace(SESSION, key="known"))
        await replica.add(replace(SESSION, key="unknown"))
        assert await replica.find("known") is not None
        replica.on_change(lambda key, _: heard.append(key))
        await connection.close()

        for _ in range(3):
            clock.advance(500)
            assert await replica.find("known") == replace(SESSION, key="known")
        for refused in (replica.find("unknown"), replica.add(SESSION), replica.set_log_level("known", "info")):
            with pytest.raises(ClientSessionsAway):
                await refused
        with pytest.raises(ClientSessionsAway):
            await replica.announce("known", "x")
        assert await replica.find("known") is not None
        clock.advance(601)
        with pytest.raises(ClientSessionsAway):
            await replica.find("known")
        assert None in heard
