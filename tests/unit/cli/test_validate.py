"""`validate`: every fault with its line, and each server in one line of words."""

import sys
from pathlib import Path

import pytest

from mcp_gateway.cli import main

WORDS = "terms:\n  - {aliases: [client], table: customers}\n"
SERVERS = """\
mcp_servers:
  words:
    name: Words
    priority: 1
    transport: stdio
    connect_timeout_seconds: 60
    timeout_seconds: 60
    command: {python}
    args: ["-c", "from mcp_gateway.cli import main; main()", "glossary", "--file", {words}, "--transport", "stdio"]
"""


def validate(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["validate", *arguments])
    return int(ended.value.code or 0), capfd.readouterr().out


@pytest.fixture
def servers(tmp_path: Path) -> Path:
    words, config = tmp_path / "words.yaml", tmp_path / "servers.yaml"
    words.write_text(WORDS, encoding="utf-8")
    config.write_text(SERVERS.format(python=sys.executable, words=words), encoding="utf-8")
    return config


def test_each_server_is_told_in_one_line_at_any_width(
    servers: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    _, out = validate(capfd, str(servers))
    (line,) = [line for line in out.splitlines() if "words: priority" in line]
    for fact in ("priority 1", "stdio", "protocol 20", "connected in", "5 resources", "1 tool"):
        assert fact in line


def test_without_connecting_no_server_is_tried(servers: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out = validate(capfd, str(servers), "--no-connect")
    assert code == 0
    assert "1 servers, none was tried" not in out
    assert "1 server, none was tried" in out


def test_every_fault_is_told_with_its_line(servers: Path, capfd: pytest.CaptureFixture[str]) -> None:
    servers.write_text(
        servers.read_text(encoding="utf-8").replace("priority: 1", "priority: 0\n    colour: red"), encoding="utf-8"
    )
    code, out = validate(capfd, str(servers))
    assert code == 1
    assert "servers.yaml:4  mcp_servers.words.priority" in out
    assert "servers.yaml:5  mcp_servers.words.colour" in out
    assert "2 faults" in out
