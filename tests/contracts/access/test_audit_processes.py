"""The trail across processes: several append to one chain, and one that is killed takes no line of an answered call with it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL, text
from tests.audited_server import TENANT
from tests.contracts.access.audit_trails import SEALER, SQL_KINDS, AuditPlace, line, open_place, store_url
from tests.warm.printing import Printing, printing

from mcp_gateway.access.audit.chain import read_row
from mcp_gateway.access.audit.verify import verify
from mcp_gateway.adapters.sql.engine import StoreUnavailable

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[3]
CLIENTS = 16
ENOUGH = 150


@pytest.fixture(params=SQL_KINDS)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AuditPlace]:
    async with open_place(store_url(request, request.param, tmp_path)) as place:
        yield place


@contextmanager
def served(url: str) -> Iterator[tuple[Printing, int]]:
    """A server over this store and its port. It is killed at the end, if it was not before."""
    command = [sys.executable, "-m", "tests.audited_server", url]
    with printing(command, folder=ROOT) as process:
        yield process, int(process.stdout.readline())


class Load:
    """Clients that ask without pause until their server is gone, or each has its number of answers."""

    def __init__(self, port: int, name: str) -> None:
        self._port, self._name = port, name
        self.answered: list[str] = []
        self.enough = asyncio.Event()

    async def run(self, calls: int) -> None:
        await asyncio.gather(*(self._client(number, calls) for number in range(CLIENTS)))

    async def _client(self, number: int, calls: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            for turn in range(calls):
                name = f"{self._name}-{number}-{turn}"
                writer.write(f"GET /{name} HTTP/1.1\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"HTTP/1.1 200") and await reader.readexactly(len(name)) == name.encode():
                    self.answered.append(name)
                if len(self.answered) >= ENOUGH:
                    self.enough.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


async def names_in(place: AuditPlace) -> list[str]:
    """The correlation ids of the chain, which must be sound."""
    assert (await verify(place.store, TENANT, SEALER.check)).findings == ()
    rows = await place.store.read(TENANT, after=0, limit=1_000_000)
    return [read_row(row).event.correlation_id for row in rows]


async def test_a_killed_server_loses_no_line_of_an_answered_call(place: AuditPlace) -> None:
    for life in range(2):
        with served(place.url) as (process, port):
            load = Load(port, f"life{life}")
            running = asyncio.create_task(load.run(1_000_000))
            await load.enough.wait()
            process.send_signal(signal.SIGKILL)
            await running
        written = await names_in(place)
        assert len(load.answered) >= ENOUGH
        assert set(load.answered) <= set(written)
        assert len(set(written)) == len(written)


async def test_processes_that_append_to_one_tenant_make_one_unbroken_chain(place: AuditPlace) -> None:
    with served(place.url) as (_, first), served(place.url) as (_, second):
        loads = [Load(first, "first"), Load(second, "second")]
        await asyncio.gather(*(load.run(12) for load in loads), append_here(place, 24))
    written = await names_in(place)
    assert sorted(written) == sorted([*loads[0].answered, *loads[1].answered, *(f"req-{number}" for number in range(24))])
    assert len(loads[0].answered) == len(loads[1].answered) == CLIENTS * 12


async def append_here(place: AuditPlace, lines: int) -> None:
    """As the command line does beside servers that run."""
    for number in range(lines):
        await place.store.append([line(number)])


@pytest.mark.postgres
async def test_a_connection_that_was_cut_is_made_anew(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with open_place(store_url(request, "postgres", tmp_path)) as place:
        await place.store.append([line(1)])
        with psycopg.connect(place.url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND query LIKE '%audit_heads%' OR query = 'COMMIT'"
            )
        with pytest.raises(StoreUnavailable):
            await place.store.append([line(2)])
        await place.store.append([line(3)])
        assert await names_in(place) == ["req-1", "req-3"]


async def test_a_store_that_is_not_there_any_more_is_away_and_not_made_anew(tmp_path: Path) -> None:
    async with open_place(f"sqlite:///{tmp_path / 'store.db'}") as place:
        for name in ("store.db", "store.db-wal", "store.db-shm"):
            os.unlink(tmp_path / name)  # noqa: PTH108
        with pytest.raises(StoreUnavailable):
            await place.store.append([line(1)])
        assert "store.db" not in os.listdir(tmp_path)  # noqa: PTH208


@pytest.mark.parametrize("folder", ["a folder", "per%20cent", "hash#question?", "ünïcode ☃", "quote'd"])
async def test_a_store_lies_in_a_folder_of_any_name(tmp_path: Path, folder: str) -> None:
    os.mkdir(tmp_path / folder)  # noqa: PTH102
    url = URL.create("sqlite", database=str(tmp_path / folder / "store.db")).render_as_string()
    async with open_place(url) as place:
        await place.store.append([line(1)])
        assert await names_in(place) == ["req-1"]


async def test_a_commit_of_the_trail_is_on_the_disk_before_it_returns(tmp_path: Path) -> None:
    async with open_place(f"sqlite:///{tmp_path / 'store.db'}") as place, place.engine.connect() as connection:
        assert (await connection.execute(text("PRAGMA synchronous"))).scalar() == 2
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
