"""`config show` tells every value and its origin, and no secret."""

from pathlib import Path

import pytest

from mcp_gateway.cli import main
from mcp_gateway.cli.config import shown_value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "unset"),
        ((), "none"),
        (("a", "b"), "a, b"),
        ("postgresql://me:secret@db/shop", "postgresql://me:••••@db/shop"),
        ("mysql://me:p@ss@db", "mysql://me:••••@db"),
        ("shop.duckdb", "shop.duckdb"),
    ],
)
def test_passwords_in_urls_are_masked(value: object, shown: str) -> None:
    assert shown_value(value) == shown


def test_keys_are_masked_and_origins_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("OPENAI_MODEL=local-model\n", encoding="utf-8")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-very-secret")
    with pytest.raises(SystemExit):
        main(["config", "show", "--no-meaning"])
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "sk-very" not in str(lines)
    assert "environment" in lines["OPENROUTER_API_KEY"]
    assert "local-model" in lines["OPENAI_MODEL"]
    assert ".env" in lines["OPENAI_MODEL"]
