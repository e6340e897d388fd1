"""`servers import` and `servers export`: from clients' files, and for them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_gateway.cli import main

Run = Callable[..., tuple[int, str, str]]
FILE = """{"mcpServers": {
  "Docs": {"url": "https://docs.example/mcp", "headers": {"Authorization": "Bearer s3cr3t"}},
  "prog": {"command": "npx", "args": ["thing"], "env": {"KEY": "s3cr3t"}},
  "odd\\u001b[2J": {"url": "ftp://x"}
}}"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, standard output, standard error of `mcp-gateway servers …` beside a client's file `mcp.json`."""
    (tmp_path / "mcp.json").write_text(FILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    for name in ("DATABASE_URL", "SERVERS_FILE", "PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)

    def run_it(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["servers", *words])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run_it


def test_a_clients_file_is_registered_and_told_without_secrets(run: Run) -> None:
    code, out, _ = run("import", "mcp.json")
    assert code == 1, "one entry is held back"
    assert "docs: registered (https://docs.example/mcp, credential: bearer)" in out
    assert "command: npx" in out
    assert "s3cr3t" not in out
    assert "\x1b" not in out
    listed = json.loads(run("list", "--json")[1])
    assert [one["name"] for one in listed if one["source"] == "store"] == ["docs"]
    assert json.loads(run("show", "docs", "--json")[1])["credential"] == {"kind": "bearer", "has_secret": True}


def test_a_dry_run_registers_nothing_and_a_second_import_finds_it_there_already(run: Run) -> None:
    assert json.loads(run("import", "mcp.json", "--dry-run", "--json")[1])["servers"][0]["outcome"] == "would be registered"
    assert [one for one in json.loads(run("list", "--json")[1]) if one["source"] == "store"] == []
    run("import", "mcp.json")
    assert json.loads(run("import", "mcp.json", "--json")[1])["servers"][0]["outcome"] == "there already"


def test_what_is_no_clients_file_says_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    code, _, err = run("import", "other.json")
    assert (code, "CLIENT_FILE_INVALID" in err) == (1, True)
    assert run("import", "nowhere.json")[0] == 1


def test_an_export_names_the_gateways_own_endpoints_and_no_secret(run: Run) -> None:
    run("import", "mcp.json")
    whole = json.loads(run("export", "--for", "vscode", "--url", "https://gw.example/")[1])
    assert whole == {"servers": {"mcp-gateway": {"type": "http", "url": "https://gw.example/mcp"}}}
    one = run("export", "docs", "--for", "codex")[1]
    assert one == '[mcp_servers."docs"]\nurl = "http://localhost:8000/servers/docs/mcp"\n'
    code, out, err = run("export", "nowhere")
    assert (code, out, "SERVER_NOT_FOUND" in err) == (1, "", True)
