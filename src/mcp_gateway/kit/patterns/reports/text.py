"""The report for people: one block a file, one line a finding with its place, the remedy below it."""

from collections.abc import Iterator

from mcp_gateway.kit.patterns.model import FileReport, Report
from mcp_gateway.kit.patterns.scoring import verdict


def report_text(report: Report) -> str:
    """Ends in a line with the verdict."""
    return "".join(f"{one_line(line)}\n" for line in _lines(report))


def one_line(text: str) -> str:
    """What would end the line, or show as nothing or as something else, by its number: names of files may hold anything."""
    return "".join(one if one.isprintable() else f"<U+{ord(one):04X}>" for one in text)


def _lines(report: Report) -> Iterator[str]:
    for file in report.files:
        yield from _of_file(file)
    for one in report.unreadable:
        yield f"{one.file}: could not be judged: {one.why}"
    yield from (f"note: {note}" for note in report.notes)
    found = report.findings
    files = f"{len(report.files)} file{'' if len(report.files) == 1 else 's'} with routes"
    yield f"{verdict(report)} at level {report.level}: {len(found)} finding{'' if len(found) == 1 else 's'} in {files}"


def _of_file(file: FileReport) -> Iterator[str]:
    counting = [one for one in file.findings if one.suppressed is None]
    if not counting:
        return
    for one in counting:
        yield f"{file.file}:{one.place.line}:{one.place.column}: {one.severity.word} {one.rule}: {one.message}"
        yield f"    {one.remedy}"
    yield f"{file.file}: {file.score:.2f}"
    yield ""
