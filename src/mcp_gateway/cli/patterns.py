"""`mcp-gateway patterns`: routers checked against the patterns of a gateway, from their code alone."""

import json
import os
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from mcp_gateway.kit.patterns.model import Order, Report, Severity
from mcp_gateway.kit.patterns.reports.shape import report_shape
from mcp_gateway.kit.patterns.reports.text import report_text
from mcp_gateway.kit.patterns.validate import validate

app = typer.Typer(add_completion=False)


class LevelChoice(str, Enum):
    """As `model.Level`, for the command line."""

    BASIC = "basic"
    COMPREHENSIVE = "comprehensive"
    PRODUCTION_READY = "production_ready"


class FormatChoice(str, Enum):
    """Forms of the report."""

    TEXT = "text"
    JSON = "json"


@app.command()
def patterns(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files and folders. Default: this folder.", show_default=False)
    ] = None,
    *,
    level: Annotated[LevelChoice | None, typer.Option(help="Which rules are asked.", show_default="comprehensive")] = None,
    form: Annotated[FormatChoice, typer.Option("--format", help="The form of the report.")] = FormatChoice.TEXT,
) -> None:
    """Check routers against the patterns of a gateway.

    Exit codes: 0 nothing at or above the threshold was found, 1 something was, 2 it could not be done.
    """
    given = [path.resolve() for path in paths or [Path()]]
    root = project_root(given[0])
    order = Order(
        root=root, paths=tuple(given), level=(level or LevelChoice.COMPREHENSIVE).value, processes=min(4, os.cpu_count() or 1)
    )
    report = validate(order)
    typer.echo(_rendered(report, form), nl=False)
    raise typer.Exit(1 if any(one.severity >= Severity.MEDIUM for one in report.findings) else 0)


def project_root(path: Path) -> Path:
    """The nearest folder above with a pyproject.toml or a repository; the path's own folder without one."""
    start = path if path.is_dir() else path.parent
    return next((one for one in (start, *start.parents) if (one / "pyproject.toml").is_file() or (one / ".git").exists()), start)


def _rendered(report: Report, form: FormatChoice) -> str:
    if form is FormatChoice.JSON:
        return json.dumps(report_shape(report), indent=2, ensure_ascii=False) + "\n"
    return report_text(report)
