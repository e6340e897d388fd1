"""The report as SARIF 2.1.0, for code scanning.

Columns count characters, as UTF-16 would for all but rare ones (`columnKind` says so).
"""

import json
from pathlib import Path
from typing import Final
from urllib.parse import quote

from mcp_gateway.core.errors import Json
from mcp_gateway.kit.patterns.model import Finding, Place, Report, RuleCard, Severity

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: Final = {Severity.LOW: "note", Severity.MEDIUM: "warning", Severity.HIGH: "error", Severity.CRITICAL: "error"}
# GitHub sorts security findings by these.
SECURITY_SEVERITY: Final = {Severity.LOW: "3.0", Severity.MEDIUM: "5.0", Severity.HIGH: "7.5", Severity.CRITICAL: "9.5"}


def report_sarif(report: Report, cards: tuple[RuleCard, ...], *, version: str, root: Path | None = None) -> str:
    """`cards`:

    of all rules a finding may name, in the order they are listed. `root`: where relative paths begin, when that is known.
    """
    run: dict[str, Json] = {
        "tool": {"driver": {"name": "mcp-gateway patterns", "version": version, "rules": [_rule(card) for card in cards]}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, cards) for file in report.files for one in file.findings],
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notifications(report)}],
        "properties": {"level": report.level, "score": round(report.score, 4)},
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


def _result(finding: Finding, cards: tuple[RuleCard, ...]) -> Json:
    names = [card.name for card in cards]
    result: dict[str, Json] = {
        "ruleId": finding.rule,
        "level": LEVELS[finding.severity],
        "message": {"text": f"{finding.message}. {finding.remedy}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(finding.file), "uriBaseId": "ROOT"},
                    "region": {**_region(finding.place), "snippet": {"text": finding.snippet}},
                },
                "logicalLocations": [{"name": finding.subject, "kind": "function"}],
            }
        ],
        "partialFingerprints": {"mcpGatewayPatterns/v1": finding.fingerprint},
    }
    if finding.rule in names:
        result["ruleIndex"] = names.index(finding.rule)
    if finding.suppressed is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": finding.suppressed}]
    return result


def _region(place: Place) -> dict[str, Json]:
    return {"startLine": place.line, "startColumn": place.column, "endLine": place.end_line, "endColumn": place.end_column}


def _notifications(report: Report) -> list[Json]:
    return [
        {
            "level": "warning",
            "message": {"text": f"could not be judged: {one.why}"},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": quote(one.file), "uriBaseId": "ROOT"}}}],
        }
        for one in report.unreadable
    ]
