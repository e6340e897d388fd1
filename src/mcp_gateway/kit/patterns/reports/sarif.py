"""The report as SARIF 2.1.0, for code scanning. Columns count characters (`columnKind` says so)."""

import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import quote

from mcp_gateway.core.errors import Json
from mcp_gateway.kit.patterns.model import Edit, Finding, FindingEdits, Place, Report, RuleCard, Severity
from mcp_gateway.kit.patterns.scoring import rounded

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: Final = {Severity.LOW: "note", Severity.MEDIUM: "warning", Severity.HIGH: "error", Severity.CRITICAL: "error"}
# GitHub sorts security findings by these.
SECURITY_SEVERITY: Final = {Severity.LOW: "3.0", Severity.MEDIUM: "5.0", Severity.HIGH: "7.5", Severity.CRITICAL: "9.5"}


def report_sarif(
    report: Report, cards: tuple[RuleCard, ...], *, version: str, root: Path | None = None, edits: FindingEdits | None = None
) -> str:
    """`cards`: of all rules a finding may name, in the order they are listed. `root`: where relative paths begin, when that is
    known. `edits`: what would mend findings.
    """
    places = {card.name: number for number, card in enumerate(cards)}
    run: dict[str, Json] = {
        "tool": {"driver": {"name": "mcp-gateway patterns", "version": version, "rules": [_rule(card) for card in cards]}},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(one, places, (edits or {}).get((file.file, one.fingerprint), ()))
            for file in report.files
            for one in file.findings
        ],
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notifications(report)}],
        "properties": {"level": report.level, "score": rounded(report)},
    }
    if root is not None:
        run["originalUriBaseIds"] = {"ROOT": {"uri": f"{root.as_uri()}/"}}
    shape: dict[str, Json] = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(shape, indent=2, ensure_ascii=False) + "\n"


def _rule(card: RuleCard) -> Json:
    return {
        "id": card.name,
        "name": "".join(part.capitalize() for part in card.name.split("-")),
        "shortDescription": {"text": card.title},
        "fullDescription": {"text": card.reason},
        "help": {"text": card.remedy, "markdown": f"{card.remedy}\n\n```python\n{card.good}```\n"},
        "defaultConfiguration": {"level": LEVELS[card.severity]},
        "properties": {"tags": [card.pattern, card.level], "security-severity": SECURITY_SEVERITY[card.severity]},
    }


def _result(finding: Finding, places: Mapping[str, int], edits: tuple[Edit, ...]) -> Json:
    result: dict[str, Json] = {
        "ruleId": finding.rule,
        "level": LEVELS[finding.severity],
        "message": {"text": f"{finding.message}. {finding.remedy}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": _artifact(finding.file), "region": _region(finding.place)},
                "logicalLocations": [
                    {"name": finding.subject, "kind": "module" if finding.subject.startswith("<") else "function"}
                ],
            }
        ],
        "partialFingerprints": {"mcpGatewayPatterns/v1": finding.fingerprint},
    }
    if finding.rule in places:
        result["ruleIndex"] = places[finding.rule]
    if finding.suppressed is not None:
        kind = "external" if finding.in_baseline else "inSource"
        result["suppressions"] = [{"kind": kind, "justification": finding.suppressed}]
    if edits:
        result["fixes"] = [_fix(finding, edits)]
    return result


def _fix(finding: Finding, edits: tuple[Edit, ...]) -> Json:
    replacements: list[Json] = [
        {"deletedRegion": dict(_region(one.place)), "insertedContent": {"text": one.text}} for one in edits
    ]
    return {
        "description": {"text": finding.remedy},
        "artifactChanges": [{"artifactLocation": _artifact(finding.file), "replacements": replacements}],
    }


def _artifact(file: str) -> Json:
    """A file outside of the project's folder has its whole address."""
    if file.startswith("/"):
        return {"uri": PurePosixPath(file).as_uri()}
    return {"uri": quote(os.fsencode(file)), "uriBaseId": "ROOT"}


def _region(place: Place) -> dict[str, Json]:
    return {"startLine": place.line, "startColumn": place.column, "endLine": place.end_line, "endColumn": place.end_column}


def _notifications(report: Report) -> list[Json]:
    return [
        {
            "level": "warning",
            "message": {"text": f"could not be judged: {one.why}"},
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(one.file)}}],
        }
        for one in report.unreadable
    ]
