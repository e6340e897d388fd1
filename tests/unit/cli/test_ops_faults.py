"""`ops faults` on a real Valkey: it hurts what it is told to, for so long, and takes it back."""

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from tests.valkey_process import ValkeyProcess
from tests.warm.process import start

from mcp_gateway.cli import main
from mcp_gateway.kit.limits.documents import from_text, to_text
from mcp_gateway.kit.limits.rules import Rule, RuleSet
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisRuleStore

OK, FAILED, INTERRUPTED = 0, 1, 130


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("DATABASE_URL", raising=False)


def ran(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["ops", "faults", *arguments])
    return int(ended.value.code or 0)


class Beside:
    """Looks every few milliseconds, while the command runs in this thread, whether something is so."""

    def __init__(self, look: Callable[[], bool]) -> None:
        self._look, self._over, self.seen = look, threading.Event(), 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Beside":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.005):
            self.seen += self._look()


def test_all_faults_are_listed_and_those_of_the_benchmark_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran() == OK
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("F") for line in lines) == 27
    assert any("redis_hung" in line and "--redis" in line for line in lines)
    assert any("clock_skew" in line and "bench.faults" in line for line in lines)


@pytest.fixture
def bounded(valkey: ValkeyProcess) -> Iterator[dict[str, str]]:
    """The settings of a store that has a bound of its own."""
    settings = {"maxmemory": "50000000", "maxmemory-policy": "allkeys-lru"}
    with valkey.client() as client:
        client.config_set(*[word for pair in settings.items() for word in pair])
        yield settings
        client.config_set("maxmemory", 0, "maxmemory-policy", "noeviction")


def test_a_full_store_refuses_writes_and_is_as_it_was_afterwards(valkey: ValkeyProcess, bounded: dict[str, str]) -> None:
    with valkey.client() as client:

        def refuses() -> bool:
            try:
                client.set("mine", 1)
            except redis.OutOfMemoryError:
                return True
            return False

        with Beside(refuses) as beside:
            assert ran("F06", "--redis", valkey.url, "--seconds", "1", "--yes") == OK
        assert beside.seen
        assert client.config_get(*bounded) == bounded


@pytest.mark.parametrize("fault", ["limiter_keys_without_ttl", "big_key", "slow_redis_command"])
def test_what_is_written_is_removed_and_nothing_else(valkey: ValkeyProcess, fault: str) -> None:
    with valkey.client() as client:
        client.set("rate_limit:{a}:chat", 1)
        client.set("cache:mine", 1)
        with Beside(lambda: client.dbsize() > 2) as beside:
            assert ran(fault, "--redis", valkey.url, "--seconds", "1", "--yes") == OK
        assert beside.seen
        assert sorted(client.keys()) == [b"cache:mine", b"rate_limit:{a}:chat"]


def test_a_store_that_answers_nobody_answers_again(valkey: ValkeyProcess) -> None:
    with Beside(lambda: outcome(valkey.port, b"PING\r\n", within_seconds=0.2) == "late") as beside:
        assert ran("redis_hung", "--redis", valkey.url, "--seconds", "2", "--yes") == OK
    assert beside.seen
    assert outcome(valkey.port, b"PING\r\n", within_seconds=10) == "answered"


def test_stored_limits_are_a_tenth_and_then_what_they_were(valkey: ValkeyProcess) -> None:
    usual = RuleSet(rules=(Rule(name="tenant", limit=60, window_seconds=60),))

    async def save() -> None:
        async with await RedisConnection.open(valkey.url, timeout_seconds=5) as line:
            await RedisRuleStore(line, timeout_seconds=5).save(to_text(usual), expected_revision=0)

    def limit() -> int:
        return from_text((client.hget("rate_limit:rules", "text") or b"").decode()).rules[0].limit

    assert ran("limit_too_low", "--redis", valkey.url, "--yes") == FAILED, "nothing is stored there"
    asyncio.run(save())
    with valkey.client() as client:
        with Beside(lambda: limit() == 6) as beside:
            assert ran("limit_too_low", "--redis", valkey.url, "--seconds", "1", "--yes") == OK
        assert beside.seen
        assert limit() == 60


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_early_it_is_taken_back_all_the_same(valkey: ValkeyProcess, tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "mcp_gateway", "ops", "faults", "F06", "--redis", valkey.url, "--seconds", "600", "--yes"]
    with (tmp_path / "log").open("w+b") as log, valkey.client() as client:
        process = start(command, environment={}, stdout=log, stderr=log)
        waited = threading.Event()
        while client.config_get("maxmemory")["maxmemory"] != "1":
            assert process.poll() is None, (tmp_path / "log").read_text()
            waited.wait(0.02)
        process.send_signal(number)
        assert process.wait(60) == INTERRUPTED
        assert client.config_get("maxmemory")["maxmemory"] == "0"


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says what it hears."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=[line], daemon=True).start()

        def answer(line: socket.socket) -> None:
            with line:
                while piece := line.recv(100):
                    line.sendall(piece)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def outcome(port: int, request: bytes = b"x", *, within_seconds: float = 0.4) -> str:
    """Of one request."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=within_seconds) as line:
            line.sendall(request)
            return "answered" if line.recv(1) else "cut"
    except TimeoutError:
        return "late"
    except OSError:
        return "refused"


@pytest.mark.parametrize(("fault", "ill"), [("redis_refused", "refused"), ("engine_slow", "late"), ("mcp_server_hung", "late")])
def test_a_line_is_well_then_ill_then_well_again(echo: int, fault: str, ill: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    seen: list[str] = []

    def look() -> bool:
        seen.append(outcome(port))
        return True

    with Beside(look):
        words = ("--target", f"127.0.0.1:{echo}", "--listen", str(port), "--seconds", "2", "--well", "2", "--yes")
        assert ran(fault, *words) == OK
    was_ill = seen.index(ill, seen.index("answered"))
    assert "answered" in seen[was_ill:]


def test_other_machines_are_refused_unless_they_are_named_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("F11", "--redis", "redis://192.0.2.1:6379/0", "--yes") == FAILED
    assert "FAULT_TARGET_REFUSED" in capsys.readouterr().err
    assert ran("F14", "--target", "192.0.2.1:80", "--allow-remote", "192.0.2.2", "--yes") == FAILED
    assert "FAULT_TARGET_REFUSED" in capsys.readouterr().err
    words = ("--target", "192.0.2.1:80", "--allow-remote", "192.0.2.1", "--seconds", "1", "--well", "0", "--yes")
    assert ran("F14", *words) == OK


def test_what_only_the_benchmark_can_do_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("clock_skew", "--yes") == FAILED
    assert "FAULT_NOT_HERE" in capsys.readouterr().err
    assert ran("nothing_such", "--yes") == FAILED
    assert "NOT_FOUND" in capsys.readouterr().err


def test_a_fault_needs_to_know_where(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("redis_hung", "--yes") == ran("engine_slow", "--yes") == ran("engine_slow", "--target", "x", "--yes") == FAILED
    told = capsys.readouterr().err
    assert "--redis" in told
    assert "--target" in told
    assert "HOST:PORT" in told


def test_a_store_of_its_own_is_made_hurt_and_gone(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("redis_memory_full", "--redis", "own", "--seconds", "1", "--well", "0", "--yes") == OK
    told = capsys.readouterr().err
    port = int(told.partition("redis://127.0.0.1:")[2].partition("/")[0])
    assert outcome(port) == "refused"


def test_where_the_extra_is_not_installed_nothing_is_hurt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mcp_gateway.adapters.faults.own_store.find_spec", lambda _: None)
    assert ran() == ran("redis_hung", "--redis", "own", "--yes") == FAILED
    assert "mcp-gateway[faults]" in capsys.readouterr().err
