"""`audit`: what it prints, and what it says with its exit code. The trail it works on is written as a gateway would."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcp_gateway.access.audit.model import AuditEvent
from mcp_gateway.access.audit.trail import open_trail
from mcp_gateway.adapters.sql.audit import open_audit_store
from mcp_gateway.cli import main
from mcp_gateway.core.clock import FixedClock, SystemClock
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.store import open_own_store
from mcp_gateway.wiring.tokens import open_embedded_issuer

Run = Callable[..., tuple[int, str, str]]

LATELY = datetime.now(UTC) - timedelta(hours=1)
EVENT = AuditEvent(
    tenant="acme",
    at=LATELY.timestamp(),
    subject="anna",
    roles=("analyst",),
    action="ask",
    table="orders",
    decision="allowed",
    outcome="answered",
    reason="role:analyst",
    correlation_id="req-1",
)
EVENTS = [
    EVENT,
    replace(EVENT, subject="ben\x1b[31m", action="run_query", correlation_id="req-2"),
    replace(
        EVENT, action="manage_access", decision="refused", outcome="refused", error_code="NOT_ALLOWED", reason="nothing allows it"
    ),
    replace(EVENT, at=EVENT.at - 500 * 86_400, tenant="umbra", subject="carl"),
]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, standard output, standard error of `mcp-gateway …` with a state directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def run_it(*words: str) -> tuple[int, str, str]:
        code = 0
        try:
            main(list(words))
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_it


@pytest.fixture
def trail(run: Run) -> Run:
    """The same, with a trail of two tenants."""

    async def write() -> None:
        settings, clock = load_settings(), SystemClock()
        installation = open_embedded_issuer(settings, clock).installation_id
        async with (
            open_own_store(settings) as engine,
            open_audit_store(engine, installation) as store,
            open_trail(store, FixedClock(LATELY)) as written,
        ):
            for event in EVENTS:
                await written.record(event)

    asyncio.run(write())
    return run


def tamper(tmp_path: Path, statement: str) -> None:
    with sqlite3.connect(tmp_path / "state" / "gateway.db") as connection:
        connection.execute(statement)
    connection.close()


def test_a_sound_trail_verifies_and_says_how_much_there_is(trail: Run) -> None:
    code, out, _ = trail("audit", "verify")
    assert code == 0
    assert out.splitlines() == ["ok      acme: 3 rows, 1 to 3, 0 seals", "ok      umbra: 1 row, 1 to 1, 0 seals"]


def test_a_changed_row_is_named_and_the_command_fails(trail: Run, tmp_path: Path) -> None:
    tamper(tmp_path, "UPDATE audit_rows SET subject = 'nobody' WHERE tenant = 'acme' AND sequence = 2")
    code, out, _ = trail("audit", "verify", "--tenant", "acme")
    assert code == 1
    assert "#2: changed: not what its text says: subject" in out
    code, out, _ = trail("audit", "verify", "--json")
    assert code == 1
    assert [json.loads(line)["sound"] for line in out.splitlines()] == [False, True]


def test_seals_kept_elsewhere_find_a_tenant_that_was_removed_as_a_whole(trail: Run, tmp_path: Path) -> None:
    code, out, _ = trail("audit", "seal", "--json")
    assert code == 0
    (tmp_path / "seals.jsonl").write_text(out)
    assert trail("audit", "verify", "--seals", "seals.jsonl")[0] == 0
    for table in ("audit_rows", "audit_heads", "audit_seals"):
        tamper(tmp_path, f"DELETE FROM {table} WHERE tenant = 'umbra'")
    assert trail("audit", "verify")[0] == 0
    code, out, _ = trail("audit", "verify", "--seals", "seals.jsonl")
    assert code == 1
    assert "not as it was sealed" in out


@pytest.mark.parametrize("text", ["{}", "no json", '{"tenant": 1}', "[]"])
def test_a_file_that_holds_no_seals_is_refused(trail: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "seals.jsonl").write_text(text)
    code, _, err = trail("audit", "verify", "--seals", "seals.jsonl")
    assert code == 1
    assert "INVALID_INPUT" in err


def test_the_tail_is_the_newest_rows_oldest_first_and_harmless_to_a_terminal(trail: Run) -> None:
    code, out, _ = trail("audit", "tail", "--tenant", "acme", "-n", "2")
    assert code == 0
    assert ["#2" in line for line in out.splitlines()] == [True, False]
    assert "\x1b" not in out
    code, out, _ = trail("audit", "tail", "--tenant", "acme", "--json")
    assert [json.loads(line)["sequence"] for line in out.splitlines()] == [1, 2, 3]


def test_a_search_filters_and_pages(trail: Run) -> None:
    code, out, _ = trail("audit", "search", "--tenant", "acme", "--decision", "refused", "--since", "2h")
    assert code == 0
    assert len(out.splitlines()) == 1
    assert "refused NOT_ALLOWED" in out
    code, out, _ = trail("audit", "search", "ORDERS", "--tenant", "acme", "--limit", "2")
    assert "there may be more: --before 2" in out
    code, out, _ = trail("audit", "search", "--tenant", "acme", "--before", "2", "--json")
    assert json.loads(out)["correlation_id"] == "req-1"
    assert trail("audit", "search", "--since", "yesterday")[0] == 2


def test_an_export_gives_every_row_as_json_or_as_telemetry(trail: Run) -> None:
    code, out, _ = trail("audit", "export")
    assert code == 0
    assert [json.loads(line)["tenant"] for line in out.splitlines()] == ["acme", "acme", "acme", "umbra"]
    code, out, _ = trail("audit", "export", "--format", "otlp", "--tenant", "acme", "--since", "1d")
    assert code == 0
    (scope,) = json.loads(out)["resourceLogs"][0]["scopeLogs"]
    assert len(scope["logRecords"]) == 3


def test_a_replay_says_which_past_calls_another_policy_would_refuse(trail: Run, tmp_path: Path) -> None:
    (tmp_path / "access.yaml").write_text(
        "rules:\n- {id: no-orders, effect: deny, actions: [ask], tables: [orders]}\n"
        "- {id: open, effect: allow, actions: [manage_access], roles: [analyst]}\n"
    )
    code, out, _ = trail("audit", "replay", "--policy", "access.yaml", "--tenant", "acme")
    assert code == 0
    assert "1 times  anna of acme: ask orders" in out
    assert "1 times  anna of acme: manage_access orders" in out
    assert "1 past calls would be refused, 1 refused ones allowed." in out
    code, out, _ = trail("audit", "replay")
    assert "0 past calls would be refused, 0 refused ones allowed." in out


def test_pruning_removes_what_is_old_and_leaves_a_trail_that_verifies(trail: Run, tmp_path: Path) -> None:
    code, out, _ = trail("audit", "prune", "--older-than", "400d")
    assert code == 0
    assert out.splitlines() == ["acme: 0 rows removed", "umbra: 1 row removed"]
    assert trail("audit", "verify")[0] == 0
    tamper(tmp_path, "DELETE FROM audit_seals")
    assert trail("audit", "verify")[0] == 1
    assert trail("audit", "prune", "--older-than", "soon")[0] == 2


def test_a_chain_that_does_not_verify_is_not_pruned(trail: Run, tmp_path: Path) -> None:
    tamper(tmp_path, "UPDATE audit_rows SET subject = 'nobody' WHERE tenant = 'umbra' AND sequence = 1")
    code, _, err = trail("audit", "prune", "--older-than", "400d", "--tenant", "umbra")
    assert code == 1
    assert "AUDIT_BROKEN" in err


def test_what_happened_today_is_not_pruned(trail: Run) -> None:
    code, _, err = trail("audit", "prune", "--older-than", "23h")
    assert code == 2
    assert "a day at least" in err


def test_without_a_trail_there_is_nothing_to_verify(run: Run) -> None:
    code, out, _ = run("audit", "verify")
    assert (code, out) == (0, "There is no trail yet.\n")


def test_setting_up_makes_key_and_store_once_and_says_so(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("setup-enhanced")
    assert code == 0
    assert "signing-key was made" in out
    assert "is at step" in out
    key = (tmp_path / "state" / "signing-key").read_bytes()
    code, out, _ = run("setup-enhanced", "--json")
    assert code == 0
    assert "signing-key is there" in out
    assert json.loads(out)["healthy"] is True
    assert (tmp_path / "state" / "signing-key").read_bytes() == key


def test_a_store_begun_with_another_key_is_said_until_that_key_lies_with_the_retired_ones(trail: Run, tmp_path: Path) -> None:
    assert trail("audit", "seal")[0] == 0
    state = tmp_path / "state"
    (state / "retired-keys").mkdir()
    (state / "signing-key").rename(tmp_path / "old-key")
    code, out, _ = trail("setup-enhanced")
    assert code == 1
    assert "begun with another signing key" in out
    assert trail("audit", "verify")[0] == 1
    (tmp_path / "old-key").rename(state / "retired-keys" / "2026")
    assert trail("setup-enhanced")[0] == 0
    assert trail("audit", "verify")[0] == 0
    (state / "retired-keys" / "notes.txt").write_text("no key")
    code, _, err = trail("audit", "verify")
    assert code == 1
    assert "KEY_FILE_REFUSED" in err


def test_setting_up_names_what_does_not_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:hush@127.0.0.1:1/none")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    code, out, _ = run("setup-enhanced")
    assert code == 1
    assert "PROBLEM store" in out
    assert "PROBLEM redis" in out
    assert "hush" not in out
