"""Remedies from the command line (`ops apply`, `diagnose --apply`, `call --apply`), on a Valkey whose keys never expire."""

import asyncio
import contextlib
import errno
import io
import json
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from tests.unit.diagnostics.actions.test_applying import Book, Breaker
from tests.unit.diagnostics.actions.test_mending import HeldOpen, held_open, mending
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.remedies.turns import KEY as TURN
from mcp_gateway.cli import main
from mcp_gateway.cli.mending import chosen
from mcp_gateway.core.errors import InvalidInput, Json
from mcp_gateway.diagnostics.actions.mending import Mending
from mcp_gateway.diagnostics.signals.window import Window

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
EXPIRE = ("ops", "apply", "expire_keys", "prefix=rate_limit:", "seconds=60")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, valkey: ValkeyProcess) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.fixture
def leak(valkey: ValkeyProcess) -> Iterator[None]:
    """A writer that forgets to set a time to live, until somebody has set one."""
    over = threading.Event()

    def write() -> None:
        with valkey.client() as client:
            number = 0
            while not over.wait(0.002) and client.ttl("rate_limit:t0:chat") <= 0:
                client.set(f"rate_limit:t{number}:chat", number)
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    yield
    over.set()
    writer.join()


def ran(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def endless(valkey: ValkeyProcess) -> float:
    """The share of the limiter's keys that never expire."""
    with valkey.client() as client:
        times: list[int] = [client.ttl(key) for key in client.scan_iter(match="rate_limit:t*")]
    return sum(time == -1 for time in times) / len(times)


@pytest.mark.usefixtures("leak")
def test_a_proposed_remedy_is_shown_carried_out_and_has_to_help(
    valkey: ValkeyProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(*EXPIRE, "--yes") == OK
    told = " ".join(capsys.readouterr().err.split())
    assert "never expire -> expire in 60 s" in told
    assert "It helped" in told
    assert endless(valkey) < 0.05, "but for the few that were written meanwhile"


@pytest.mark.usefixtures("leak")
def test_the_trail_tells_the_steps_and_targets_of_a_run_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(*EXPIRE, "--yes") == OK
    capsys.readouterr()
    assert ran("audit", "search", "--server", "ops", "--json") == OK
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()][::-1]
    assert [row["tool"] for row in rows] == [f"apply.expire_keys.{step}" for step in ("begun", "carried_out", "helped")]
    assert all(json.loads(row["arguments"])["target"] == {"prefix": "rate_limit:", "seconds": "60"} for row in rows)
    assert len({row["correlation_id"] for row in rows}) == 1


@pytest.mark.usefixtures("leak")
def test_a_remedy_that_was_killed_is_told_of_by_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "mcp_gateway", *EXPIRE, "--yes"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as applying:
        assert applying.stderr is not None
        assert any("its signal is waited for" in line for line in applying.stderr)
        applying.kill()
    assert applying.returncode == -signal.SIGKILL
    assert ran(*EXPIRE, "--yes") == FAILED
    told = " ".join(capsys.readouterr().err.split())
    assert "expire_keys was begun at" in told
    assert "the way back by hand: none: keys of rate_limit: that never expired expire within 60 s" in told


@pytest.mark.usefixtures("leak")
def test_while_another_remedy_is_carried_out_nothing_is_changed(
    valkey: ValkeyProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    with valkey.client() as client:
        client.set(TURN, json.dumps({"kind": "load_scripts", "by": "process 1 on there", "since": "noon"}), px=60_000)
    assert ran(*EXPIRE, "--yes") == FAILED
    told = capsys.readouterr().err
    assert "load_scripts is being carried out in this store, since noon by process 1 on there. [REMEDY_UNDER_WAY]" in told
    assert endless(valkey) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_the_command_while_it_waits_has_it_taken_back(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    breaker, book = Breaker(), Book()

    class Ended(HeldOpen):
        """Whoever watches is told to end, more than once."""

        async def observe(self, *, window_seconds: float, whole: bool = True) -> Window:
            if not breaker.forced:
                for _ in range(3):
                    signal.raise_signal(number)
                await asyncio.sleep(60)
            return await super().observe(window_seconds=window_seconds, whole=whole)

    @contextlib.asynccontextmanager
    async def open_mending(*_: object, **__: object) -> AsyncIterator[Mending]:
        yield replace(mending(breaker, book), observer=Ended(breaker))

    monkeypatch.setattr("mcp_gateway.cli.mending.open_mending", open_mending)
    assert ran("ops", "apply", "release_breaker", "breaker=engine", "--yes") == INTERRUPTED
    assert breaker.forced
    assert book.names == ["begun", "carried_out", "interrupted", "undone"]
    assert "It was taken back." in capsys.readouterr().err


class Gone(io.StringIO):
    """A terminal that is closed, or a pipe that nobody reads, once the change is made."""

    def write(self, said: str) -> int:
        if "its signal is waited for" in self.getvalue() + said:
            raise OSError(errno.EIO, "Input/output error")
        return super().write(said)


def test_a_change_is_taken_back_also_where_nobody_reads_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker, book = Breaker(), Book()

    @contextlib.asynccontextmanager
    async def open_mending(*_: object, **__: object) -> AsyncIterator[Mending]:
        yield mending(breaker, book, afterwards=held_open())

    monkeypatch.setattr("mcp_gateway.cli.mending.open_mending", open_mending)
    monkeypatch.setattr("sys.stderr", Gone())
    assert ran("ops", "apply", "release_breaker", "breaker=engine", "--yes") == FAILED
    assert breaker.forced
    assert book.names == ["begun", "carried_out", "did_not_help", "undone"]


@pytest.mark.usefixtures("leak")
def test_nothing_is_done_before_somebody_says_yes(valkey: ValkeyProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert ran(*EXPIRE) == FAILED
    assert endless(valkey) == 1


@pytest.fixture
def endless_script(valkey: ValkeyProcess) -> Iterator[threading.Thread]:
    """A script that holds the store, which says so by now."""
    with valkey.client() as client:
        client.config_set("busy-reply-threshold", 10)

    def run() -> None:
        with valkey.client() as client, contextlib.suppress(redis.exceptions.ResponseError):
            client.eval("while true do end", 0)

    running = threading.Thread(target=run)
    running.start()
    with valkey.client() as client, contextlib.suppress(redis.exceptions.ResponseError):
        while client.ping():
            pass
    yield running
    with valkey.client() as client, contextlib.suppress(redis.exceptions.ResponseError):
        client.script_kill()
    running.join()


def test_a_script_that_holds_the_store_is_found_and_ended(
    endless_script: threading.Thread, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran("diagnose", "--apply", "end_script", "--yes") == OK
    told = capsys.readouterr()
    assert "A script holds the store and does not end" in told.out
    assert "It helped" in told.err
    assert not endless_script.is_alive()


def test_a_store_that_answers_is_well_also_when_nobody_else_is_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("diagnose") == OK
    assert "healthy" in capsys.readouterr().out


def test_what_nothing_calls_for_is_not_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(*EXPIRE, "--yes") == FAILED
    told = capsys.readouterr().err
    assert "expire_keys is a remedy there is, and nothing that is seen now asks for it" in told
    assert "REMEDY_NOT_RECOMMENDED" in told
    assert ran("ops", "apply", "expire_everything", "--yes") == FAILED
    assert "There is no remedy expire_everything. [UNKNOWN_REMEDY]" in capsys.readouterr().err


def test_targets_have_names() -> None:
    assert ran("ops", "apply", "expire_keys", "rate_limit:") == USAGE


@pytest.mark.usefixtures("leak")
def test_a_diagnosis_goes_on_to_the_remedy_that_is_named(valkey: ValkeyProcess, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("diagnose", "--apply", "expire_keys", "--yes") == OK
    told = capsys.readouterr()
    assert "limiter_keys_without_ttl" in told.out
    assert "It helped" in told.err
    assert endless(valkey) < 0.05


@pytest.mark.usefixtures("leak")
def test_a_tools_remedy_is_named_by_its_number(valkey: ValkeyProcess, capsys: pytest.CaptureFixture[str]) -> None:
    call = ("call", "troubleshoot_production_issue", '{"issue_type": "auto"}', "--apply")
    assert ran(*call, "7", "--yes") == FAILED
    refusal = json.loads(capsys.readouterr().out)["error"]
    assert refusal["code"] == "INVALID_INPUT"
    assert "2 expire_keys" in refusal["hint"]
    assert endless(valkey) == 1
    assert ran(*call, "2", "--yes") == OK
    applied = json.loads(capsys.readouterr().out)["applied"]
    assert (applied["helped"], applied["steps"]) == (True, ["begun", "carried_out", "helped"])


@pytest.mark.usefixtures("leak")
def test_a_diagnosis_alone_asks_before_it_changes_anything(
    valkey: ValkeyProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert ran("diagnose", "--json", "--apply", "2") == FAILED
    assert json.loads(capsys.readouterr().out)["applied"] is None
    assert endless(valkey) == 1


def test_where_nothing_is_recommended_nothing_is_applied() -> None:
    with pytest.raises(InvalidInput, match="recommends nothing"):
        chosen({"actions": []}, "1")


def test_a_kind_that_is_recommended_twice_is_named_by_number() -> None:
    twice: dict[str, Json] = {
        "actions": [{"kind": "release_breaker", "target": {"circuit": one}} for one in ("gateway", "engine")]
    }
    with pytest.raises(InvalidInput, match="several"):
        chosen(twice, "release_breaker")
    assert chosen(twice, "2").target == {"circuit": "engine"}


def test_who_names_a_remedy_for_people_is_told_its_lines_and_which_is_carried_out_here() -> None:
    both: dict[str, Json] = {
        "actions": [
            {"kind": "restart_worker", "target": {"component": "engine"}, "command": "kubectl rollout restart deployment/engine"},
            {"kind": "release_breaker", "target": {"circuit": "engine"}},
        ]
    }
    with pytest.raises(InvalidInput) as refused:
        chosen(both, "1")
    assert "kubectl rollout restart" in str(refused.value.hint)
    assert "1 restart_worker (by hand), 2 release_breaker" in str(refused.value.hint)
