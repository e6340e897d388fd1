"""The report as annotations of a GitHub workflow: one command a line on standard output."""

from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.model import Finding, Report, Severity
from mcp_gateway.kit.patterns.scoring import verdict

KINDS: Final = {Severity.LOW: "notice", Severity.MEDIUM: "warning", Severity.HIGH: "error", Severity.CRITICAL: "error"}


def report_github(report: Report) -> str:
    """Texts are escaped as GitHub reads them; a finding cannot begin a command of its own."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield from (_annotation(one) for one in report.findings)
    for one in report.unreadable:
        yield f"::warning file={_property(one.file)}::{_data(f'could not be judged: {one.why}')}"
    counted = f"{len(report.findings)} findings in {len(report.files)} files with routes"
    yield _data(f"{verdict(report)}: {counted}")


def _annotation(one: Finding) -> str:
    place = f"line={one.place.line},endLine={one.place.end_line},col={one.place.column},endColumn={one.place.end_column}"
    where = f"file={_property(one.file)},{place},title={_property(one.rule)}"
    return f"::{KINDS[one.severity]} {where}::{_data(f'{one.message}. {one.remedy}')}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
