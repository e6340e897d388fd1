"""The command: exit codes, forms, mends and baselines."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mcp_gateway.cli.patterns import app
from mcp_gateway.kit.patterns.errors import PatternSettingsInvalid

BAD = """\
from fastapi import APIRouter

router = APIRouter()


@router.get('/x')
async def read() -> None:
    try:
        return None
    except Exception:
        pass
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.mcp-gateway.patterns]\nlevel = 'basic'\n")
    (tmp_path / "router.py").write_text(BAD)
    return tmp_path


def test_findings_at_the_threshold_fail_and_below_it_do_not(project: Path) -> None:
    run = CliRunner().invoke(app, [str(project)])
    assert run.exit_code == 1
    assert "router.py:7:1: high rate-limit-missing" in run.output
    assert CliRunner().invoke(app, [str(project), "--fail-on", "critical"]).exit_code == 0
    assert CliRunner().invoke(app, [str(project), "--fail-on", "off"]).exit_code == 0


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_machines_get_one_document(form: str, project: Path) -> None:
    assert json.loads(CliRunner().invoke(app, [str(project), "--format", form]).stdout)


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_a_name_that_is_no_text_is_told_as_text(form: str, project: Path) -> None:
    (project / "router.py").rename(project / "r\udcff.py")
    document = CliRunner().invoke(app, [str(project), "--format", form]).stdout_bytes.decode()
    assert json.loads(document)
    assert ("r%FF.py" if form == "sarif" else "r?.py") in document


def test_what_was_written_down_does_not_fail(project: Path) -> None:
    known = project / "known.json"
    assert CliRunner().invoke(app, [str(project), "--write-baseline", str(known)]).exit_code == 0
    assert CliRunner().invoke(app, [str(project), "--baseline", str(known)]).exit_code == 0


def test_mends_are_written_and_told(project: Path) -> None:
    run = CliRunner().invoke(app, [str(project), "--fix"])
    assert "mended router.py:10: error-swallowed" in run.stderr
    assert "    except Exception:\n        raise\n" in (project / "router.py").read_text()


def test_it_is_said_how_much_was_mended_and_how_much_has_no_safe_mend(project: Path) -> None:
    assert "1 mended; 2 left without a safe mend" in CliRunner().invoke(app, [str(project), "--fix"]).stderr
    assert "0 mended; 2 left without a safe mend" in CliRunner().invoke(app, [str(project), "--fix"]).stderr


def test_a_linked_router_is_mended_where_it_is(project: Path) -> None:
    (project / "router.py").rename(project / "real.txt")
    (project / "router.py").symlink_to("real.txt")
    assert "mended" in CliRunner().invoke(app, [str(project / "router.py"), "--fix"]).stderr
    assert "        raise\n" in (project / "real.txt").read_text()
    assert (project / "router.py").is_symlink()


def test_nothing_judged_has_no_score(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, [str(tmp_path)]).stdout.startswith("nothing judged at level comprehensive")
    found = json.loads(CliRunner().invoke(app, [str(tmp_path), "--format", "json"]).stdout)
    assert (found["overall_compliance"], found["average_compliance_score"]) == ("nothing_judged", None)


def test_no_name_of_a_file_makes_a_line_of_its_own(project: Path) -> None:
    (project / "a\nforged.py:1:1: high \x1b[2J.py").write_text(BAD)
    run = CliRunner().invoke(app, [str(project), "--fix"])
    assert "a<U+000A>forged.py:1:1: high <U+001B>[2J.py:7:1: high" in run.stdout
    assert "mended a<U+000A>forged.py" in run.stderr
    assert "\x1b" not in run.output


def test_severities_that_stop_nothing_have_one_word(project: Path) -> None:
    assert CliRunner().invoke(app, [str(project), "--fail-on", "off"]).exit_code == 0
    refused = CliRunner().invoke(app, [str(project), "--fail-on", "never"]).exception
    assert isinstance(refused, PatternSettingsInvalid)
