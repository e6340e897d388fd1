"""The report as SARIF 2.1.0: its form, what mends a finding, what lets one stand."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from mcp_gateway.kit.patterns.baseline import baseline_text, read_baseline, without_known
from mcp_gateway.kit.patterns.edits import edits_between
from mcp_gateway.kit.patterns.fixes import edits_of, mend
from mcp_gateway.kit.patterns.judge import VOID
from mcp_gateway.kit.patterns.model import Edit, Order, Place, Unreadable
from mcp_gateway.kit.patterns.reports.sarif import report_sarif
from mcp_gateway.kit.patterns.rules.catalogue import BY_NAME, RULES
from mcp_gateway.kit.patterns.rules.examples import PREAMBLE
from mcp_gateway.kit.patterns.validate import validate

CARDS = (*(rule.card for rule in RULES), VOID)
FORM = jsonschema_rs.validator_for(json.loads(Path(__file__).with_name("sarif_2_1_0.schema.json").read_text(encoding="utf-8")))


@pytest.fixture
def order(tmp_path: Path) -> Order:
    bad = "".join(BY_NAME[name].card.bad for name in ("error-text-leaked", "cors-open", "failure-unlogged"))
    (tmp_path / "router.py").write_text(PREAMBLE + bad, encoding="utf-8")
    allowed = BY_NAME["blocking-in-async"].card.bad.replace(
        "    time.sleep", "    # patterns: allow blocking-in-async: a tenth of a second\n    time.sleep"
    )
    (tmp_path / "größe.py").write_text(PREAMBLE + allowed, encoding="utf-8")
    return Order(root=tmp_path, paths=(tmp_path,), level="production_ready")


def results_of(document: str) -> dict[str, Any]:
    return {one["ruleId"]: one for one in json.loads(document)["runs"][0]["results"]}


def test_the_report_has_the_form_of_the_standard(order: Order) -> None:
    report = replace(validate(order), unreadable=(Unreadable(file="/elsewhere/a b.py", why="no Python"),))
    document = report_sarif(report, CARDS, version="1", root=order.root, edits=edits_of(report, order))
    assert [error.message for error in FORM.iter_errors(json.loads(document))] == []
    assert "file:///elsewhere/a%20b.py" in document
    assert "gr%C3%B6%C3%9Fe.py" in document


def test_what_lets_a_finding_stand_is_told_by_its_kind(order: Order) -> None:
    report = validate(order)
    path = order.root / "known.json"
    path.write_text(baseline_text(report))
    results = results_of(report_sarif(without_known(report, read_baseline(path)), CARDS, version="1"))
    assert results["blocking-in-async"]["suppressions"] == [{"kind": "inSource", "justification": "a tenth of a second"}]
    assert results["cors-open"]["suppressions"] == [{"kind": "external", "justification": "in the baseline"}]
    assert "suppressions" not in results_of(report_sarif(report, CARDS, version="1"))["cors-open"]


def test_a_fix_replaces_what_the_mend_replaces(order: Order) -> None:
    report = validate(order)
    results = results_of(report_sarif(report, CARDS, version="1", edits=edits_of(report, order)))
    text = (order.root / "router.py").read_text(encoding="utf-8")
    fixable = [one for one in report.findings if one.mend]
    assert {one.rule for one in fixable} == {"error-text-leaked", "failure-unlogged"}
    for one in fixable:
        (fix,) = results[one.rule]["fixes"]
        (change,) = fix["artifactChanges"]
        edits = [
            Edit(place=place_of(part["deletedRegion"]), text=part["insertedContent"]["text"]) for part in change["replacements"]
        ]
        assert applied(text, edits) == mend(text, (one,), order, "router.py").text != text
    assert "fixes" not in results["cors-open"]


def test_a_finding_that_stands_or_cannot_be_mended_has_no_fix(order: Order) -> None:
    assert {
        rule for rule, one in results_of(report_sarif(validate(order), CARDS, version="1")).items() if "fixes" in one
    } == set()
    assert {file for file, _ in edits_of(validate(order), order)} == {"router.py"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "a\n"),
        ("a\n", ""),
        ("a", "b"),
        ("a\nb", "a\nb\nc"),
        ("a\nb\nc\n", "a\nx\nc\ny\n"),
        ("a\x0cb\r\nc\u2028d", "a\x0cb\r\ne\u2028d"),
        ("ä\nb", "ä\n"),
        ("same\n", "same\n"),
    ],
)
def test_edits_make_one_text_of_the_other(before: str, after: str) -> None:
    assert applied(before, list(edits_between(before, after))) == after


def place_of(region: dict[str, int]) -> Place:
    return Place(
        line=region["startLine"], column=region["startColumn"], end_line=region["endLine"], end_column=region["endColumn"]
    )


def applied(text: str, edits: list[Edit]) -> str:
    lines = text.split("\n")
    begins = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines) + 1)]
    for one in reversed(edits):
        start = begins[one.place.line - 1] + one.place.column - 1
        text = text[:start] + one.text + text[begins[one.place.end_line - 1] + one.place.end_column - 1 :]
    return text
