"""`routes new` and `routes remove`: the diff first, files with --write."""

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
    assert run("new", "products", "--no-caching", *where) == 1
    assert "ROUTER_CHANGED" in capsys.readouterr().err
    assert router.read_text().endswith("# mine\n")


def test_a_bad_name_is_an_error_with_a_proposal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("new", "list", "--root", str(tmp_path)) == 1
    assert "`lists`" in capsys.readouterr().err


def test_json_is_the_result_of_the_tool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("new", "products", "--json", "--root", str(tmp_path)) == 0
    assert '"router_code"' in capsys.readouterr().out
