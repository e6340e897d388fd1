"""`routes new` and `routes remove`: the diff first, files with --write."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_gateway.cli import main


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["routes", *words])
    return int(ended.value.code or 0)


def test_new_shows_first_then_writes_then_finds_nothing_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = ("new", "products", "--operations", "list,get", "--root", str(tmp_path))
    assert run(*order) == 0
    shown = capsys.readouterr()
    assert "+++ b/src/backend/routers/products.py" in shown.out
    assert "Nothing written" in shown.err
    assert not list(tmp_path.iterdir())
    assert run(*order, "--write") == 0
    assert "wrote src/backend/routers/products.py" in capsys.readouterr().err
    assert run(*order) == 0
    assert capsys.readouterr().err == "Nothing to change.\n"


def test_in_an_empty_folder_the_next_step_finds_what_it_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("new", "products", "--operations", "get", "--root", str(tmp_path), "--write")
    (step,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("next: pytest ")]
    program, *words = shlex.split(step.removeprefix("next: "))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        [sys.executable, "-m", program, *words, "--collect-only", "-q"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout


def test_in_a_folder_of_a_project_the_project_gets_the_router(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "src/backend"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.chdir(inner)
    run("new", "products", "--write")
    assert f"in {tmp_path}\n" in capsys.readouterr().err
    assert (inner / "routers/products.py").exists()
    run("remove", "products", "--write")
    assert not (inner / "routers/products.py").exists()


def test_remove_takes_away_what_new_wrote(tmp_path: Path) -> None:
    where = ("--root", str(tmp_path), "--write")
    run("new", "products", *where)
    assert run("remove", "products", *where) == 0
    assert not (tmp_path / "src/backend/routers/products.py").exists()
    assert "products" not in (tmp_path / "src/backend/app.py").read_text()


def test_a_changed_file_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--root", str(tmp_path), "--write")
    run("new", "products", *where)
    router = tmp_path / "src/backend/routers/products.py"
    router.write_text(router.read_text() + "# mine\n")
    capsys.readouterr()
    for order in (("new", "products", "--no-caching"), ("remove", "products")):
        assert run(*order, *where) == 1
        told = capsys.readouterr()
        assert "ROUTER_CHANGED" in told.err
        assert told.out == ""
    assert router.read_text().endswith("# mine\n")


def test_a_bad_name_is_an_error_with_a_proposal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("new", "list", "--root", str(tmp_path)) == 1
    assert "`lists`" in capsys.readouterr().err


def test_json_is_the_result_of_the_tool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("new", "products", "--json", "--root", str(tmp_path)) == 0
    assert '"router_code"' in capsys.readouterr().out
