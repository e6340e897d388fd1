"""`access`: decisions explained, files checked, rules stored and changes tried, without a running gateway."""

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_gateway.access.act import Act
from mcp_gateway.access.policy.model import Target
from mcp_gateway.cli import main
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.access_commands import open_access_alone

Run = Callable[..., tuple[int, str, str]]

FILE = """
roles: [{name: finance, extends: [viewer], allow: [{actions: [ask], tables: ["orders*"]}]}]
rules: [{id: no-payroll, effect: deny, roles: [analyst], tables: [payroll], note: HR only}]
row_filters: [{id: eu, tables: [orders], column: region, operator: "=", value: EU}]
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, standard output, standard error of `mcp-gateway …` with a store and an access file of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("ACCESS_FILE", str(tmp_path / "access.yaml"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "access.yaml").write_text(FILE)

    def run_it(*words: str, group: str = "access") -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([group, *words])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run_it


def test_a_decision_is_explained_step_by_step(run: Run) -> None:
    code, out, _ = run("explain", "--as", "alice", "--tenant", "acme", "--role", "analyst", "--table", "payroll")
    lines = out.splitlines()
    assert (code, lines[0]) == (0, "alice of acme (analyst): ask payroll")
    assert [line.split()[:2] for line in lines[2:9]] == [
        ["ok", "token"],
        ["ok", "tenant"],
        ["ok", "role"],
        ["ok", "scope"],
        ["no", "rule"],
        ["ok", "server_health"],
        ["ok", "name"],
    ]
    assert lines[10] == "refused: rule no-payroll denies ask on payroll"
    assert lines[11] == 'Change the rule no-payroll, in ACCESS_FILE; no allow wins over it. It says: "HR only"'


def test_the_explanation_is_there_as_data(run: Run) -> None:
    _, out, _ = run("explain", "--as", "a", "--role", "finance", "--column", "orders.total", "--json")
    explained = json.loads(out)
    assert (explained["allowed"], explained["works"], explained["action"]) == (True, True, "ask")
    assert [link["step"] for link in explained["chain"]][:3] == ["token", "tenant", "role"]
    assert explained["row_filters"] == ["eu"]
    _, out, _ = run("explain", "--as", "a", "--role", "finance", "--tool", "crm.list", "--json")
    assert (json.loads(out)["action"], json.loads(out)["allowed"]) == ("call_tool", False)


def test_roles_are_found_by_the_tokens_of_the_subject(run: Run) -> None:
    run("issue", "--tenant", "acme", "--role", "analyst", "--subject", "bob", group="tokens")
    _, out, _ = run("explain", "--as", "bob", "--tenant", "acme", "--table", "orders")
    assert "bob of acme (analyst)" in out
    assert "allowed: role analyst allows ask; its rows are limited by eu" in out
    _, out, _ = run("explain", "--as", "bob", "--tenant", "globex", "--action", "ask")
    assert "bob of globex (no role)" in out


def test_a_token_on_standard_input_is_explained_or_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token, _ = run("issue", "--tenant", "acme", "--role", "viewer", "--subject", "bob", group="tokens")
    monkeypatch.setattr("sys.stdin", io.StringIO(token))
    _, out, _ = run("explain", "--token", "--action", "see_health")
    assert "accepted: bob" in out
    assert "allowed: role viewer allows see_health" in out
    monkeypatch.setattr("sys.stdin", io.StringIO(token[:-10]))
    _, out, _ = run("explain", "--token", "--action", "see_health")
    assert "no token" in out
    assert "refused: not accepted:" in out
    assert token.strip()[:-10] not in out


def test_what_a_name_holds_is_not_obeyed_by_the_terminal(run: Run) -> None:
    _, out, _ = run("explain", "--as", "a\x1b[2J\n[red]b", "--role", "\x9bviewer", "--action", "ask")
    assert not set(out) & {"\x1b", "\x9b"}
    assert "a\\x1b[2J\\n[red]b of local" in out


def test_what_a_name_holds_is_told_to_programs_as_it_is(run: Run) -> None:
    name = "a\x1b[2J\x9b\u202e\U000e0001b"
    _, out, _ = run("explain", "--as", name, "--role", "viewer", "--action", "ask", "--json")
    assert all(one.isprintable() or one == "\n" for one in out)
    assert json.loads(out)["caller"]["subject"] == name


@pytest.mark.parametrize("words", [(), ("--as", "a", "--token"), ("--as", "a", "--action", "fly")])
def test_a_question_that_is_none_is_a_mistake_of_the_command_line(run: Run, words: tuple[str, ...]) -> None:
    assert run("explain", *words)[0] == 2


def test_a_good_file_is_told_as_what_each_role_may(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("check")
    assert code == 0
    assert "see_limits; ask on table orders*" in out
    assert "is valid: 1 custom role, 1 rule, 1 row filter, 0 providers." in out
    _, out, _ = run("check", str(tmp_path / "access.yaml"), "--json")
    assert json.loads(out)["roles"]["admin"] == ["everything"]


def test_a_faulty_file_is_told_fault_by_fault(run: Run, tmp_path: Path) -> None:
    faulty = tmp_path / "faulty.yaml"
    faulty.write_text("rules:\n  - {id: r, effect: deny, tabels: [x]}\n  - {id: s}\n")
    code, out, _ = run("check", str(faulty))
    assert code == 1
    assert "faulty.yaml:2: rules[0].tabels: is not a known key. Did you mean tables?" in out
    assert "3 faults; this file would be refused." in out
    code, out, _ = run("check", str(faulty), "--json")
    assert (code, json.loads(out)["valid"]) == (1, False)
    assert run("check", str(tmp_path / "missing.yaml"))[0] == 1


def test_a_rule_is_stored_listed_and_removed(run: Run) -> None:
    words = ("--id", "quiet", "--tenant", "acme", "--subject", "svc-*", "--action", "call_tool", "--tool", "drop_*")
    assert run("rules", "add", "deny", *words) == (0, "", "stored for acme: rule quiet\n")
    _, out, _ = run("rules", "list", "--tenant", "acme", "--json")
    stored = [one for one in map(json.loads, out.splitlines()) if one["source"] == "stored"]
    assert stored[0]["statement"] == {
        "id": "quiet", "effect": "deny", "actions": ["call_tool"], "subjects": ["svc-*"], "tools": ["drop_*"],
    }  # fmt: skip
    assert "quiet" in run("rules", "list", "--tenant", "acme")[1]
    assert "quiet" not in run("rules", "list", "--tenant", "globex")[1]
    _, out, _ = run("explain", "--as", "svc-1", "--tenant", "acme", "--role", "operator", "--tool", "db.drop_all")
    assert "refused: rule quiet denies" in out
    assert run("rules", "remove", "quiet", "--tenant", "acme")[0] == 0
    code, _, err = run("rules", "remove", "quiet", "--tenant", "acme")
    assert code == 1
    assert "RULE_NOT_FOUND" in err


def test_a_role_and_a_row_filter_are_stored_as_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("rules", "add", "--kind", "role", "--body", '{"name": "lead", "extends": ["analyst"]}')[0] == 0
    body = '{"id": "own", "tables": ["*"], "column": "t", "operator": "=", "value": {"caller": "tenant"}}'
    monkeypatch.setattr("sys.stdin", io.StringIO(body))
    assert run("rules", "add", "--kind", "row_filter", "--body", "-")[0] == 0
    _, out, _ = run("explain", "--as", "x", "--role", "lead", "--table", "orders")
    assert "its rows are limited by eu, own" in out


def test_locking_everybody_out_needs_force_and_is_written_down(run: Run) -> None:
    code, _, err = run("rules", "add", "deny", "--id", "all", "--tenant", "acme")
    assert code == 1
    assert "WOULD_LOCK_OUT" in err
    assert run("rules", "add", "deny", "--id", "all", "--tenant", "acme", "--force")[0] == 0

    async def outcomes() -> list[tuple[str, str]]:
        async with open_access_alone(load_settings(), SystemClock()) as access:
            calls = await access.past_calls.read(["acme"], days=1)
            assert {(call.caller.subject, call.action) for call in calls} == {("local", "manage_access")}
            return [(call.caller.tenant, call.action) for call in calls]

    assert len(asyncio.run(outcomes())) == 2


def test_a_dry_run_counts_the_past_calls_that_would_be_refused(run: Run, tmp_path: Path) -> None:
    alice = Caller(tenant="acme", subject="alice", roles=frozenset({"operator"}))

    async def call_some_tools() -> None:
        async with open_access_alone(load_settings(), SystemClock()) as access:
            for tool in ("execute_query", "execute_query", "list_tables"):
                act = Act(action="call_tool", target=Target(server="db", tool=tool))
                await access.governor.carry_out(alice, act, lambda: asyncio.sleep(0))

    asyncio.run(call_some_tools())
    stricter = tmp_path / "stricter.yaml"
    stricter.write_text(FILE.replace("rules: [", "rules: [{id: no-sql, effect: deny, tools: [execute_*]}, "))
    _, out, _ = run("dry-run", "--policy", str(stricter))
    assert "past calls that would lose:" in out
    assert "3 past calls compared; 2 of them would be refused. Nothing was changed." in out
    _, out, _ = run("dry-run", "--policy", str(stricter), "--json", "--tenant", "acme")
    shifts = json.loads(out)["of_calls"]
    assert [(one["subject"], one["target"], one["count"], one["rule"]) for one in shifts] == [
        ("alice", "db.execute_query", 2, "no-sql")
    ]
    _, out, _ = run("dry-run", "--policy", str(stricter), "--days", "0")
    assert "0 past calls compared" in out
    _, out, _ = run("explain", "--as", "alice", "--tenant", "acme", "--role", "operator", "--tool", "db.execute_query")
    assert "allowed: role operator allows call_tool" in out
