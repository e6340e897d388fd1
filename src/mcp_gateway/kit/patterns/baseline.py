"""What was there before:

findings a project has written down once, so that only new ones count. Known by fingerprint, not by line.
"""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from mcp_gateway.core.errors import Json
from mcp_gateway.kit.patterns.errors import PatternBaselineInvalid
from mcp_gateway.kit.patterns.model import FileReport, Finding, Report

VERSION: Final = 1
MAX_BYTES: Final = 20_000_000
REASON: Final = "in the baseline"
# By file and fingerprint: how many of that kind.
Baseline: TypeAlias = "Counter[tuple[str, str]]"


def baseline_text(report: Report) -> str:
    """The document of all findings that count."""
    files: dict[str, Json] = {}
    for file in report.files:
        marks = sorted(one.fingerprint for one in file.findings if one.suppressed is None)
        if marks:
            files[file.file] = list(marks)
    return json.dumps({"version": VERSION, "findings": files}, indent=2, sort_keys=True) + "\n"


def read_baseline(path: Path) -> Baseline:
    """Raises `PatternBaselineInvalid`."""
    try:
        if path.exists() and not path.is_file():
            raise PatternBaselineInvalid(f"The baseline {path.name} is no regular file.", path=str(path))
        if path.stat().st_size > MAX_BYTES:
            raise PatternBaselineInvalid("The baseline is too large.", path=str(path))
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PatternBaselineInvalid(f"The baseline {path.name} cannot be read.", path=str(path)) from error
    found = document.get("findings") if isinstance(document, dict) and document.get("version") == VERSION else None
    if not isinstance(found, dict):
        raise PatternBaselineInvalid(f"The baseline {path.name} is not of version {VERSION}.", path=str(path))
    known: Baseline = Counter()
    for file, marks in found.items():
        if not isinstance(marks, list) or not all(isinstance(mark, str) for mark in marks):
            raise PatternBaselineInvalid(
                f"The baseline's entry for {str(file)[:200]} is no list of fingerprints.", path=str(path)
            )
        known.update((file, mark) for mark in marks)
    return known


def without_known(report: Report, known: Baseline) -> Report:
    """The report with what the baseline knows marked as suppressed. Scores stay: what is bad is bad."""
    left = Counter(known)
    return replace(report, files=tuple(_marked(file, left) for file in report.files))


def _marked(file: FileReport, left: Baseline) -> FileReport:
    return replace(file, findings=tuple(_one(file.file, finding, left) for finding in file.findings))


def _one(file: str, finding: Finding, left: Baseline) -> Finding:
    key = (file, finding.fingerprint)
    if finding.suppressed is not None or left[key] <= 0:
        return finding
    left[key] -= 1
    return replace(finding, suppressed=REASON, in_baseline=True)
