"""The real servers that contract suites run over."""

from collections.abc import Iterator

import pytest
from tests.mariadb_process import MariaDbProcess, find_mariadbd


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDbProcess]:
    """One MariaDB for all suites, where there is one."""
    program = find_mariadbd()
    if program is None:
        pytest.skip("there is no mariadbd here; Debian's mariadb-server-core brings it")
    with MariaDbProcess(program) as server:
        yield server
