"""The command line's frame: names, help, errors, exit codes, and a quick start."""

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from mcp_gateway.ask.errors import EmptyQuestion
from mcp_gateway.cli import COMMANDS, main
from mcp_gateway.cli.lazy_group import LazyCommand, load_command

HEAVY = ("mcp", "fastapi", "duckdb", "sqlglot", "sqlalchemy", "pydantic")
CLIENTS = ("sqlalchemy", "psycopg", "pymysql", "fastapi")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    printed = capsys.readouterr()
    code = ended.value.code
    return code if isinstance(code, int) else 0, printed.out, printed.err


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    for command in COMMANDS:
        assert command.name in out
        assert command.summary in out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_summary_is_the_commands_own_first_line(command: LazyCommand) -> None:
    real = load_command("mcp_gateway.cli", command.name)
    assert (real.help or "").splitlines()[0] == command.summary


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_explains_itself(command: LazyCommand, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, command.name, "--help")
    assert code == 0
    assert command.name in out


# A command with options takes pydantic along: Typer reads them with it.
@pytest.mark.parametrize(("arguments", "heavy"), [(["--help"], HEAVY), (["ask", "--help"], set(HEAVY) - {"pydantic"})])
def test_help_imports_nothing_heavy(arguments: list[str], heavy: Collection[str]) -> None:
    script = (
        f"import sys\nfrom mcp_gateway.cli import main\ntry:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', [name for name in {heavy!r} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.endswith("LOADED []\n")


def test_asking_a_file_imports_no_client_of_a_database_server() -> None:
    script = f"import sys, mcp_gateway.cli.answering\nprint([name for name in {CLIENTS!r} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


def test_a_mistyped_command_is_wrong_usage_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "aks")
    assert code == 2
    assert "Did you mean 'ask'" in err


def test_an_error_of_ours_is_two_lines_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "serve", "--host", "0.0.0.0")
    assert code == 1
    assert out == ""
    assert err.splitlines()[-2].startswith("error: ")
    assert "REMOTE_WITHOUT_LOGIN" in err
    assert err.splitlines()[-1].startswith("hint:  ")


def test_no_word_of_an_error_moves_the_cursor(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.mcp-gateway.patterns]\nbaseline = "b\\u001b]0;x\\u0007.json"\n')
    _, _, err = run(capsys, "patterns", str(tmp_path))
    assert "The baseline b\\x1b]0;x\\x07.json cannot be read." in err


@pytest.mark.parametrize("arguments", [("demo", "--port=70000"), ("serve", "--bogus"), ("ask",)])
def test_wrong_usage_is_exit_code_2_and_says_what_is_right(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert "Usage" in err


@pytest.mark.parametrize(
    ("cause", "code", "said"), [(EmptyQuestion(), 1, "QUESTION_EMPTY"), (SystemExit(1), 1, ""), (KeyboardInterrupt(), 130, "")]
)
def test_what_comes_wrapped_out_of_task_groups_looks_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, cause: BaseException, code: int, said: str
) -> None:
    def fail(_: list[str] | None) -> None:
        raise BaseExceptionGroup("outer", [BaseExceptionGroup("inner", [cause])])

    monkeypatch.setattr("mcp_gateway.cli.app", fail)
    ended, _, err = run(capsys)
    assert ended == code
    assert said in err
    assert "Traceback" not in err


def test_help_flows_to_the_readers_width() -> None:
    ops = load_command("mcp_gateway.cli", "ops")
    assert ops.help is not None
    assert "the Redis (REDIS_URL) it is told of" in ops.help
