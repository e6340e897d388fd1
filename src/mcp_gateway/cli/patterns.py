"""`mcp-gateway patterns`: routers checked against the patterns of a gateway, from their code alone."""

import json
import os
from dataclasses import replace
from enum import StrEnum
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from mcp_gateway.cli.project_root import project_root
from mcp_gateway.kit.patterns.baseline import baseline_text, read_baseline, without_known
from mcp_gateway.kit.patterns.configuration import PatternSettings, read_settings, severity_of
from mcp_gateway.kit.patterns.judge import VOID
from mcp_gateway.kit.patterns.live.reading import read_live
from mcp_gateway.kit.patterns.model import FileReport, Order, Report
from mcp_gateway.kit.patterns.python.source import Unparsable
from mcp_gateway.kit.patterns.reports.github import report_github
from mcp_gateway.kit.patterns.reports.sarif import report_sarif
from mcp_gateway.kit.patterns.reports.shape import report_shape
from mcp_gateway.kit.patterns.reports.text import one_line, report_text
from mcp_gateway.kit.patterns.rules.catalogue import RULES
from mcp_gateway.kit.patterns.validate import validate

app = typer.Typer(add_completion=False)


class LevelChoice(StrEnum):
    """As `model.Level`, for the command line."""

    BASIC = "basic"
    COMPREHENSIVE = "comprehensive"
    PRODUCTION_READY = "production_ready"


class FormatChoice(StrEnum):
    """Forms of the report."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


@app.command()
def patterns(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files and folders. Default: `paths` of the settings, or this folder.", show_default=False),
    ] = None,
    *,
    project: Annotated[
        Path | None,
        typer.Option(
            help="The project's folder: imports are followed inside it. [default: the nearest above with a pyproject.toml]",
            file_okay=False,
            exists=True,
            show_default=False,
        ),
    ] = None,
    level: Annotated[
        LevelChoice | None, typer.Option(help="Which rules are asked. [default: of the settings, or comprehensive]")
    ] = None,
    form: Annotated[FormatChoice, typer.Option("--format", help="The form of the report.")] = FormatChoice.TEXT,
    fail_on: Annotated[
        str | None,
        typer.Option(help="The severity from which the exit code is 1: low, medium, high, critical, off. [default: medium]"),
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended safely, and say what.")] = False,
    baseline: Annotated[Path | None, typer.Option(help="Findings in this file do not count.")] = None,
    write_baseline: Annotated[Path | None, typer.Option(help="Write today's findings to this file, and end.")] = None,
    live: Annotated[
        str | None,
        typer.Option("--import", help="Import `package.module:app` and look at its dependency tree too. This RUNS its code."),
    ] = None,
) -> None:
    """Check routers against the patterns of a gateway.

    Exit codes: 0 nothing at or above the threshold was found, 1 something was, 2 the command line is wrong.
    """
    given = [path.resolve() for path in paths or []]
    root = project_root(given[0] if given else Path.cwd()) if project is None else project.resolve()
    settings = read_settings(root)
    threshold = settings.fail_on if fail_on is None else severity_of("--fail-on", fail_on)
    order = _order(root, given, settings, level)
    if live is not None:
        order = replace(order, live=read_live(live, root))
    report = validate(order)
    if write_baseline is not None:
        write_baseline.write_text(baseline_text(report), encoding="utf-8")
        typer.echo(f"{len(report.findings)} findings written to {write_baseline}")
        return
    if fix:
        report = _fixed(order, report)
    known = baseline or (root / settings.baseline if settings.baseline else None)
    if known is not None:
        report = without_known(report, read_baseline(known))
    # A file's name may be no text, and a text in code half a character.
    typer.echo(_rendered(report, form, order).encode(errors="replace").decode(), nl=False)
    failed = threshold is not None and any(one.severity >= threshold for one in report.findings)
    raise typer.Exit(1 if failed or (report.unreadable and threshold is not None) else 0)


def _order(root: Path, given: list[Path], settings: PatternSettings, level: LevelChoice | None) -> Order:
    paths = given or [root / path for path in settings.paths] or [Path.cwd()]
    return Order(
        root=root,
        paths=tuple(paths),
        level=settings.level if level is None else level.value,
        severities=settings.severities,
        exclude=settings.exclude,
        limiters=settings.limiters,
        identities=settings.identities,
        public_paths=settings.public_paths,
        processes=min(4, os.cpu_count() or 1),
    )


def _fixed(order: Order, report: Report) -> Report:
    """Mends files, tells on stderr which and how much is left, and judges anew."""
    count = sum(_fixed_file(order, file) for file in report.files)
    after = validate(order) if count else report
    typer.echo(f"{count} mended; {len(after.findings)} left without a safe mend", err=True)
    return after


def _fixed_file(order: Order, file: FileReport) -> int:
    """How many of its findings were mended."""
    if not any(one.mend and one.suppressed is None for one in file.findings):
        return 0
    fixes, name = _fixes(), one_line(file.file)
    try:
        mended = fixes.mend_file(order.root / file.file, file.findings, order, file.file)
        written = not mended.findings or fixes.write_mended(mended, order.root)
    except (Unparsable, OSError) as error:
        typer.echo(f"left {name}: {error}", err=True)
        return 0
    if not written:
        typer.echo(f"left {name}: somebody has changed it meanwhile", err=True)
        return 0
    for one in mended.findings:
        typer.echo(f"mended {name}:{one.place.line}: {one.rule}", err=True)
    return len(mended.findings)


def _fixes() -> ModuleType:
    """By name: LibCST is loaded for fixes alone."""
    return import_module("mcp_gateway.kit.patterns.fixes")


def _rendered(report: Report, form: FormatChoice, order: Order) -> str:
    if form is FormatChoice.JSON:
        return json.dumps(report_shape(report), indent=2, ensure_ascii=False) + "\n"
    if form is FormatChoice.SARIF:
        cards = (*(rule.card for rule in RULES), VOID)
        edits = _fixes().edits_of(report, order) if any(one.mend for one in report.findings) else {}
        return report_sarif(report, cards, version=version("mcp-gateway"), root=order.root, edits=edits)
    return report_github(report) if form is FormatChoice.GITHUB else report_text(report)
