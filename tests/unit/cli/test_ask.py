"""`ask` on a file nobody configured: forms of output, readings to choose from, exit codes."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mcp_gateway.ask.engine import EmbeddedEngine
from mcp_gateway.ask.model import Draft, DraftRequest, Reading
from mcp_gateway.cli import main

OK, FAILED, USAGE, UNSURE = 0, 1, 2, 3


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A small SQLite file."""
    path = tmp_path / "pets.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE pets (id INTEGER PRIMARY KEY, name TEXT, kind TEXT);"
            "INSERT INTO pets (name, kind) VALUES ('Rex', 'dog'), ('Tom', 'cat'), ('=cmd', 'cat');"
        )
    return path


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOG_LEVEL", "CRITICAL")


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["ask", *arguments])
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


def test_a_question_shows_sql_rows_and_steps(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "how many pets are there", "--data", str(pets))
    assert code == OK
    assert "COUNT(*)" in out
    assert "3" in out
    assert "gather" in out


def test_json_is_the_whole_answer_and_nothing_else(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "how many pets are there", "--data", str(pets), "--json")
    answer = json.loads(out)
    assert code == OK
    assert answer["results"]["rows"] == [[3]]
    assert answer["confident"] is True


def test_csv_is_rows_alone_and_formulas_stay_text(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "SELECT name, kind FROM pets ORDER BY id", "--data", str(pets), "--csv")
    assert code == OK
    assert out.splitlines() == ["name,kind", "Rex,dog", "Tom,cat", "'=cmd,cat"]


def test_sql_only_prints_what_ran(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "SELECT name FROM pets LIMIT 1", "--data", str(pets), "--sql-only")
    assert (code, out) == (OK, "SELECT name FROM pets LIMIT 1\n")


def test_what_it_does_not_understand_is_not_run_and_exits_3(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, "frobnicate the wibbly gizmos", "--data", str(pets))
    assert code == UNSURE
    assert out == ""
    assert err.strip()


def test_a_statement_that_writes_is_refused(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ask(capsys, "DELETE FROM pets", "--data", str(pets))
    assert code == FAILED
    assert "QUERY_REFUSED" in err
    with closing(sqlite3.connect(pets)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM pets").fetchone() == (3,)


@pytest.mark.parametrize("name", ["missing.sqlite", "nonsense://x"])
def test_data_that_is_not_there_is_an_error_with_a_hint(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ask(capsys, "how many", "--data", name)
    assert code == FAILED
    assert "error: " in err
    assert "hint: " in err


def test_two_forms_at_once_are_wrong_usage(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ask(capsys, "how many pets", "--data", str(pets), "--json", "--csv")
    assert code == USAGE
    assert "exclude each other" in err


UNSURE_READINGS = ("SELECT name FROM pets ORDER BY id LIMIT 1", "SELECT kind FROM pets ORDER BY id LIMIT 1")


@pytest.fixture
def undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine as it is when two readings are as likely."""

    async def draft(_: EmbeddedEngine, __: DraftRequest) -> Draft:
        readings = tuple(Reading(sql=sql, description=f"Reading {sql[7:11]}.", confidence=0.3) for sql in UNSURE_READINGS)
        return Draft(source="engine", readings=readings, confident=False, reason="Two readings are as likely.")

    monkeypatch.setattr(EmbeddedEngine, "draft", draft)


@pytest.mark.usefixtures("undecided")
def test_readings_are_offered_with_their_numbers(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, "which one", "--data", str(pets))
    assert (code, out) == (UNSURE, "")
    assert "1. Reading name." in err
    assert "2. Reading kind." in err


@pytest.mark.usefixtures("undecided")
@pytest.mark.parametrize(("option", "value"), [("--choose=2", "dog"), ("--choose=1", "Rex"), ("--yes", "Rex")])
def test_a_reading_can_be_chosen_beforehand(option: str, value: str, pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "which one", "--data", str(pets), "--json", option)
    assert code == OK
    assert json.loads(out)["results"]["rows"] == [[value]]


@pytest.mark.usefixtures("undecided")
def test_a_reading_that_is_not_there_cannot_be_chosen(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ask(capsys, "which one", "--data", str(pets), "--choose", "3")
    assert code == FAILED
    assert "2 readings, not 3" in err
