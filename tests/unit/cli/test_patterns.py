"""The command: exit codes, forms, mends and baselines."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mcp_gateway.cli.patterns import app

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
    assert CliRunner().invoke(app, [str(project), "--fail-on", "never"]).exit_code == 0


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_machines_get_one_document(form: str, project: Path) -> None:
    assert json.loads(CliRunner().invoke(app, [str(project), "--format", form]).stdout)


def test_what_was_written_down_does_not_fail(project: Path) -> None:
    known = project / "known.json"
    assert CliRunner().invoke(app, [str(project), "--write-baseline", str(known)]).exit_code == 0
    assert CliRunner().invoke(app, [str(project), "--baseline", str(known)]).exit_code == 0


def test_mends_are_written_and_told(project: Path) -> None:
    run = CliRunner().invoke(app, [str(project), "--fix"])
    assert "mended router.py:10: error-swallowed" in run.stderr
    assert "    except Exception:\n        raise\n" in (project / "router.py").read_text()
