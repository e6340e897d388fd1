"""The report in the shape of the tool `validate_enterprise_patterns`, as its specification has it, with more fields."""

from collections import defaultdict

from mcp_gateway.core.errors import Json
from mcp_gateway.kit.patterns.model import Finding, Report
from mcp_gateway.kit.patterns.scoring import overall, rounded

WIDESPREAD = 2


def report_shape(report: Report) -> dict[str, Json]:
    """Of the spec: `overall_compliance`, `average_compliance_score`, `files_validated`, `issues_found`, `recommendations`.

    The word of the whole stands in `overall_compliance` alone, so that a hook may look for it in the text.
    """
    return {
        "validation_level": report.level,
        "overall_compliance": overall(report),
        "average_compliance_score": rounded(report),
        "files_validated": len(report.files),
        "files_skipped": report.skipped,
        "issues_found": [issue_shape(one) for one in report.findings],
        "recommendations": _recommendations(report),
        "files": [{"file": one.file, "score": one.score, "handlers": one.handlers} for one in report.files],
        "suppressed": [
            {"file": one.file, "line": one.place.line, "rule": one.rule, "reason": one.suppressed}
            for file in report.files
            for one in file.findings
            if one.suppressed is not None
        ],
        "unreadable": [{"file": one.file, "why": one.why} for one in report.unreadable],
        "notes": list(report.notes),
    }


def issue_shape(finding: Finding) -> dict[str, Json]:
    """One of `issues_found`."""
    return {
        "file": finding.file,
        "issue": finding.message,
        "priority": finding.severity.word,
        "rule": finding.rule,
        "pattern": finding.pattern,
        "line": finding.place.line,
        "column": finding.place.column,
        "end_line": finding.place.end_line,
        "end_column": finding.place.end_column,
        "subject": finding.subject,
        "recommendation": finding.remedy,
        "fixable": bool(finding.mend),
        "fingerprint": finding.fingerprint,
    }


def _recommendations(report: Report) -> list[Json]:
    """What more than one file lacks is said once, the most widespread first; then what one file lacks."""
    by_pattern: dict[str, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        by_pattern[finding.pattern].append(finding)
    spread = sorted(by_pattern.items(), key=lambda item: (-len({one.file for one in item[1]}), item[0]))
    said: list[Json] = []
    for pattern, findings in spread:
        files = sorted({one.file for one in findings})
        wide = len(files) >= WIDESPREAD
        rules = sorted({one.rule for one in findings})
        said.append(
            {
                "issue": f"Widespread issue: {pattern}" if wide else f"Issue in {files[0]}: {pattern}",
                "affected_files": len(files),
                "recommendation": f"Implement {pattern} patterns across all routers" if wide else findings[0].remedy,
                "pattern": pattern,
                "rules": list(rules),
                "findings": len(findings),
            }
        )
    return said
