"""`tokens`: what it prints where, and that a running gateway would believe and refuse accordingly."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_gateway.access.tokens.verify import TokenVerifier
from mcp_gateway.cli import main
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.access_commands import open_access_alone
from mcp_gateway.wiring.tokens import open_embedded_issuer

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, standard output, standard error of `mcp-gateway tokens …` with a state directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def run_it(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["tokens", *words])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run_it


def test_a_token_stands_alone_on_standard_output_and_is_good(run: Run) -> None:
    code, out, err = run(
        "issue", "--tenant", "acme", "--role", "viewer", "--role", "analyst", "--subject", "alice", "--expires", "30m"
    )
    token = out.strip()
    assert (code, out) == (0, f"{token}\n")
    assert token not in err
    assert "for alice of acme (analyst, viewer)" in err
    clock = SystemClock()
    verified = asyncio.run(TokenVerifier([open_embedded_issuer(load_settings(), clock).trusted()], clock).verify(token))
    assert (verified.claims["tenant"], verified.claims["roles"]) == ("acme", ["analyst", "viewer"])


def test_the_list_shows_a_tenants_tokens_and_never_a_token(run: Run) -> None:
    _code, token, _err = run(
        "issue", "--tenant", "acme", "--role", "viewer", "--subject", "alice", "--name", "Alice [bold]A[/bold]"
    )
    run("issue", "--tenant", "globex", "--role", "viewer", "--subject", "bob")
    code, out, _err = run("list", "--tenant", "acme")
    assert code == 0
    assert "alice" in out
    assert "[bold]" in out
    assert "bob" not in out
    assert token.strip().rpartition(".")[2] not in out


def test_a_revoked_token_is_listed_as_revoked(run: Run) -> None:
    run("issue", "--role", "viewer", "--subject", "alice")
    run("issue", "--role", "viewer", "--subject", "bob")
    listed = [json.loads(line) for line in run("list", "--json")[1].splitlines()]
    jti = next(token["id"] for token in listed if token["subject"] == "alice")
    code, out, err = run("revoke", jti)
    assert (code, out) == (0, "")
    assert f"revoked: token {jti} of local" in err
    listed = [json.loads(line) for line in run("list", "--json")[1].splitlines()]
    assert {token["subject"]: token["revoked"] for token in listed} == {"alice": True, "bob": False}


def test_a_subject_is_revoked_with_all_its_tokens(run: Run) -> None:
    for subject in ("alice", "alice", "bob"):
        run("issue", "--tenant", "acme", "--role", "viewer", "--subject", subject)
    code, _out, err = run("revoke", "--tenant", "acme", "--subject", "alice")
    assert code == 0
    assert "all tokens issued to alice of acme until now; 2 of them by this gateway" in err
    assert "; 0 of them" in run("revoke", "--tenant", "acme", "--subject", "alcie")[2]
    listed = [json.loads(line) for line in run("list", "--tenant", "acme", "--json")[1].splitlines()]
    assert sorted((token["subject"], token["revoked"]) for token in listed) == [("alice", True), ("alice", True), ("bob", False)]


def test_an_id_nobody_has_is_an_error_unless_it_is_a_providers(run: Run) -> None:
    code, _out, err = run("revoke", "no-such-id")
    assert (code, "TOKEN_NOT_FOUND" in err) == (1, True)
    assert run("revoke", "no-such-id", "--foreign")[0] == 0


@pytest.mark.parametrize("words", [("revoke",), ("revoke", "an-id", "--subject", "alice"), ("issue",), ("issue", "--role")])
def test_a_command_that_says_too_little_or_too_much_is_explained(run: Run, words: tuple[str, ...]) -> None:
    code, out, _err = run(*words)
    assert (code, out) == (2, "")


@pytest.mark.parametrize(
    "words",
    [("--expires", "soon"), ("--expires", "91d"), ("--expires", "1s"), ("--subject", "entra:alice"), ("--tenant", "two words")],
)
def test_what_cannot_be_issued_is_an_error_without_a_token(run: Run, words: tuple[str, str]) -> None:
    code, out, err = run("issue", "--role", "viewer", *words)
    assert (code, out) == (1, "")
    assert "TOKEN_NOT_ISSUABLE" in err


def test_a_state_directory_open_to_others_is_refused_with_what_to_do(run: Run, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o755)
    code, out, err = run("issue", "--role", "viewer")
    assert (code, out) == (1, "")
    assert "chmod 700" in err


async def lines_of(tenant: str) -> list[tuple[str, ...]]:
    async with open_access_alone(load_settings(), SystemClock()) as access:
        rows = await access.audit.read(tenant, after=0, limit=100)
    named = ("action", "subject", "decision", "outcome", "error_code", "face")
    return [tuple(str(json.loads(row.body).get(name, "")) for name in named) for row in rows]


def test_who_issued_and_revoked_what_stands_in_the_trail_of_the_tenant(run: Run) -> None:
    run("issue", "--tenant", "acme", "--role", "viewer", "--subject", "alice")
    run("revoke", "unknown", "--tenant", "acme")
    run("revoke", "--subject", "alice", "--tenant", "acme")
    run("list", "--tenant", "acme")
    assert asyncio.run(lines_of("acme")) == [
        ("issue_tokens", "local", "allowed", "answered", "", "command"),
        ("issue_tokens", "local", "allowed", "failed", "TOKEN_NOT_FOUND", "command"),
        ("issue_tokens", "local", "allowed", "answered", "", "command"),
    ]


def test_a_role_or_scope_nobody_knows_is_said(run: Run) -> None:
    code, out, err = run("issue", "--role", "analist", "--role", "viewer", "--scope", "gateway.reed", "--scope", "gateway.read")
    assert (code, out.count(".")) == (0, 2)
    assert [line for line in err.splitlines() if line.startswith("note:")] == [
        "note: no role is called analist, so it allows nothing",
        "note: no scope is called gateway.reed, so it allows nothing",
    ]


def test_a_tenant_without_tokens_is_said_in_words(run: Run) -> None:
    code, out, err = run("list", "--tenant", "acme")
    assert (code, out) == (0, "")
    assert "no token of acme" in err
