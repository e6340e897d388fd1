"""Sessions as two replicas see them, over a store of this process and over a real Valkey."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.access.sessions.errors import LoginLinkRefused, SessionsAway
from mcp_gateway.access.sessions.memory import MemorySessionStore
from mcp_gateway.access.sessions.ports import SessionStore
from mcp_gateway.access.sessions.sessions import Sessions, csrf_fits
from mcp_gateway.access.sessions.tickets import Tickets, login_link
from mcp_gateway.adapters.redis_sessions import RedisSessionStore
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.redis.connection import RedisConnection

pytestmark = pytest.mark.anyio

ADA = Caller(
    tenant="acme",
    subject="entra:ada",
    issuer="https://issuer.example/v2.0",
    roles=frozenset({"analyst"}),
    scopes=frozenset({"gateway.ask"}),
    name="Ada Ünal",
    credential="jti-7",
    attributes={"region": "EU"},
)
_numbers = count(1)


def new_secret() -> str:
    return f"nobody-guesses-{next(_numbers)}"


class Replicas:
    """`one` and `other` share what is kept, and nothing else."""

    def __init__(
        self, stores: tuple[SessionStore, SessionStore], clock: FixedClock, settle: Callable[[], Awaitable[None]]
    ) -> None:
        self.one, self.other = (
            Sessions(store, clock=clock, new_secret=new_secret, lasts=timedelta(hours=12), idle=timedelta(hours=1))
            for store in stores
        )
        self.clock = clock
        self.settle = settle


@pytest.fixture(params=["memory", "valkey"])
async def replicas(request: pytest.FixtureRequest) -> AsyncIterator[Replicas]:
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    if request.param == "memory":
        store = MemorySessionStore(clock)

        async def at_once() -> None:
            """Nothing travels."""

        yield Replicas((store, store), clock, at_once)
        return
    valkey: ValkeyProcess = request.getfixturevalue("valkey")
    async with AsyncExitStack() as stack:
        stores = []
        connections = []
        for _ in range(2):
            connection = await stack.enter_async_context(await RedisConnection.open(valkey.url, timeout_seconds=5.0))
            connections.append(connection)
            stores.append(await RedisSessionStore.open(connection, timeout_seconds=5.0))

        async def heard() -> None:
            """What was published before is heard before the answer to a question asked after it."""
            for connection in connections:
                await connection.ping()
            await asyncio.sleep(0)

        yield Replicas((stores[0], stores[1]), clock, heard)


async def test_a_session_begun_on_one_replica_is_known_on_the_other(replicas: Replicas) -> None:
    opened = await replicas.one.create(ADA)

    found = await replicas.other.find(opened.session_id)

    assert found is not None
    assert found.caller == ADA
    for name in ("roles", "scopes", "name", "issuer", "credential", "attributes"):
        assert getattr(found.caller, name) == getattr(ADA, name)
    assert csrf_fits(found, opened.csrf)
    assert not csrf_fits(found, opened.csrf[:-1])


async def test_a_session_that_ends_is_over_at_once_for_a_replica_that_just_used_it(replicas: Replicas) -> None:
    opened = await replicas.one.create(ADA)
    assert await replicas.other.find(opened.session_id) is not None

    await replicas.one.revoke(opened.session_id)
    await replicas.settle()

    assert await replicas.other.find(opened.session_id) is None
    assert await replicas.one.find(opened.session_id) is None


async def test_all_sessions_of_a_subject_end_together_and_nobody_elses(replicas: Replicas) -> None:
    mine = [await replicas.one.create(ADA) for _ in range(3)]
    namesake = await replicas.one.create(Caller(tenant="other", subject="entra:ada"))
    for opened in (*mine, namesake):
        assert await replicas.other.find(opened.session_id) is not None

    assert await replicas.one.revoke_subject("acme", "entra:ada") == 3
    await replicas.settle()

    assert [await replicas.other.find(opened.session_id) for opened in mine] == [None] * 3
    assert await replicas.other.find(namesake.session_id) is not None


async def test_an_mcp_session_belongs_to_issuer_and_subject_not_to_a_token(replicas: Replicas) -> None:
    """A refreshed token keeps the session; whoever else knows its id does not own it."""
    assert await replicas.one.preserve_auth_context("mcp-1", ADA) == "mcp-1"

    context = await replicas.other.get_auth_context("mcp-1")

    assert context is not None
    refreshed = Caller(tenant="acme", subject="entra:ada", issuer=ADA.issuer, roles=frozenset({"admin"}), credential="jti-8")
    assert context.is_of(refreshed)
    for stranger in (
        Caller(tenant="acme", subject="entra:eve", issuer=ADA.issuer),
        Caller(tenant="other", subject="entra:ada", issuer=ADA.issuer),
        Caller(tenant="acme", subject="entra:ada", issuer="https://elsewhere.example"),
    ):
        assert not context.is_of(stranger)
    await replicas.one.end_auth_context("mcp-1")
    await replicas.settle()
    assert await replicas.other.get_auth_context("mcp-1") is None


@pytest.mark.parametrize("session_id", ["", "unknown", "x" * 10_000, "mreg:session:of:", "\ud800", "*", "a\r\nGET b"])
async def test_no_text_is_a_session_by_accident(replicas: Replicas, session_id: str) -> None:
    await replicas.one.create(ADA)
    assert await replicas.one.find(session_id) is None
    assert await replicas.one.get_auth_context(session_id) is None


async def test_the_end_of_a_session_is_kept_by_the_clock_too(replicas: Replicas) -> None:
    opened = await replicas.one.create(ADA, timedelta(minutes=5))
    replicas.clock.advance(300)
    assert await replicas.other.find(opened.session_id) is None


async def test_a_link_is_taken_once_whichever_replica_is_asked(replicas: Replicas) -> None:
    here, there = (Tickets(sessions.store, new_secret=new_secret) for sessions in (replicas.one, replicas.other))
    link = await login_link(here, "http://127.0.0.1:8000/", ADA)
    ticket = link.removeprefix("http://127.0.0.1:8000/login?code=")

    taken = await asyncio.gather(here.accept(ticket), there.accept(ticket), here.accept(ticket), return_exceptions=True)

    assert [one for one in taken if not isinstance(one, LoginLinkRefused)] == [ADA]


async def test_keys_hold_no_id_and_values_no_secret(valkey: ValkeyProcess) -> None:
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
        sessions = Sessions(await RedisSessionStore.open(connection), clock=clock, new_secret=new_secret)
        opened = await sessions.create(ADA)
        await sessions.preserve_auth_context("mcp-1", ADA)
    with valkey.client() as client:
        kept = {key.decode(): client.get(key) for key in client.keys("*") if client.type(key) == b"string"}
        assert all(client.ttl(key) > 0 for key in client.keys("*"))
    assert sorted(key[:10] for key in kept) == ["mreg:auth:", "mreg:sessi"]
    everything = repr(kept)
    assert opened.session_id not in everything
    assert opened.csrf not in everything
    assert "mcp-1" not in everything


async def test_without_the_store_nobody_is_recognised_by_a_cookie() -> None:
    with ValkeyProcess() as own:
        async with await RedisConnection.open(own.url, timeout_seconds=5.0) as connection:
            lost = asyncio.Event()
            clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
            sessions = Sessions(await RedisSessionStore.open(connection, timeout_seconds=1.0), clock=clock, new_secret=new_secret)
            connection.on_state(lambda state: lost.set() if state == "down" else None)
            opened = await sessions.create(ADA)
            assert await sessions.find(opened.session_id) is not None
            own.kill()
            async with asyncio.timeout(20):
                await lost.wait()
            with pytest.raises(SessionsAway):
                await sessions.find(opened.session_id)
