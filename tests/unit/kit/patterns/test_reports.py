"""SARIF, GitHub's annotations, text; baselines and settings; mends."""

import json
import os
from pathlib import Path

import pytest

from mcp_gateway.kit.patterns.baseline import baseline_text, read_baseline, without_known
from mcp_gateway.kit.patterns.configuration import read_settings
from mcp_gateway.kit.patterns.errors import PatternBaselineInvalid, PatternSettingsInvalid
from mcp_gateway.kit.patterns.fixes import mend
from mcp_gateway.kit.patterns.judge import VOID
from mcp_gateway.kit.patterns.model import Order, Report, Severity
from mcp_gateway.kit.patterns.reports.github import report_github
from mcp_gateway.kit.patterns.reports.sarif import report_sarif
from mcp_gateway.kit.patterns.reports.text import report_text
from mcp_gateway.kit.patterns.rules.catalogue import BY_NAME, RULES
from mcp_gateway.kit.patterns.rules.examples import PREAMBLE
from mcp_gateway.kit.patterns.validate import validate, validate_source

CARDS = (*(rule.card for rule in RULES), VOID)


@pytest.fixture
def report(tmp_path: Path) -> Report:
    (tmp_path / "router.py").write_text(
        PREAMBLE + BY_NAME["error-text-leaked"].card.bad + BY_NAME["cors-open"].card.bad, encoding="utf-8"
    )
    return validate(Order(root=tmp_path, paths=(tmp_path,), level="production_ready"))


def test_sarif_names_rules_places_and_fingerprints(report: Report, tmp_path: Path) -> None:
    document = json.loads(report_sarif(report, CARDS, version="1", root=tmp_path))
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert document["version"] == "2.1.0"
    assert len(rules) == len(CARDS) == len({one["id"] for one in rules})
    assert {one["ruleId"] for one in run["results"]} == {"error-text-leaked", "cors-open"}
    for result in run["results"]:
        region = result["locations"][0]["physicalLocation"]["region"]
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("note", "warning", "error")
        assert (region["startLine"], region["startColumn"]) < (region["endLine"], region["endColumn"])
        assert result["partialFingerprints"]["mcpGatewayPatterns/v1"]


def test_annotations_are_one_line_each_and_escaped(report: Report) -> None:
    lines = report_github(report).splitlines()
    assert len(lines) == len(report.findings) + 1
    assert lines[0].startswith("::error file=router.py,line=")
    assert "\n" not in lines[0]


def test_the_text_ends_in_the_verdict(report: Report) -> None:
    assert report_text(report).splitlines()[-1].endswith("2 findings in 1 file with routes")


def test_what_the_baseline_knows_does_not_count_and_what_is_new_does(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(baseline_text(report))
    assert without_known(report, read_baseline(path)).findings == ()
    path.write_text('{"version": 1, "findings": {}}')
    assert len(without_known(report, read_baseline(path)).findings) == 2


@pytest.mark.parametrize("text", ["", "[]", '{"version": 9}', '{"version": 1, "findings": {"a": 1}}', "[" * 100_000])
def test_a_broken_baseline_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(PatternBaselineInvalid):
        read_baseline(tmp_path / "b.json")


def test_a_baseline_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "b.json")
    with pytest.raises(PatternBaselineInvalid, match="no regular file"):
        read_baseline(tmp_path / "b.json")


@pytest.mark.parametrize(
    "text",
    ["tool = 5", "[tool]\nmcp-gateway = 5", f"a = {'[' * 100_000}", f"a = '{'x' * 1_000_000}'"],
    ids=["no-table", "no-table-either", "deep", "long"],
)
def test_a_project_file_made_to_hurt_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(PatternSettingsInvalid):
        read_settings(tmp_path)


def test_settings_are_read_strictly(tmp_path: Path) -> None:
    page = tmp_path / "pyproject.toml"
    page.write_text(
        '[tool.mcp-gateway.patterns]\nlevel = "basic"\nfail-on = "high"\n[tool.mcp-gateway.patterns.rules]\ncors-open = "off"\n'
    )
    settings = read_settings(tmp_path)
    assert (settings.level, settings.fail_on, settings.severities) == ("basic", Severity.HIGH, {"cors-open": None})
    for bad in (
        "level = 'high'",
        "levels = 'basic'",
        "exclude = 'x'",
        "rules = {nothing = 'low'}",
        "rules = {cors-open = 'bad'}",
        "baseline = 1",
    ):
        page.write_text(f"[tool.mcp-gateway.patterns]\n{bad}\n")
        with pytest.raises(PatternSettingsInvalid):
            read_settings(tmp_path)


@pytest.mark.parametrize("name", [card.name for card in CARDS if card.fixable])
def test_a_mend_removes_its_finding_and_nothing_else(name: str, tmp_path: Path) -> None:
    text = PREAMBLE + BY_NAME[name].card.bad.replace("        return None\n", "        pass\n") + "# the end, kept\n"
    asked = Order(root=tmp_path, paths=(), level="production_ready")
    before = validate_source(text, asked)
    mended = mend(text, before.findings, asked, "router.py")
    assert [one.rule for one in mended.findings] == [name]
    assert name not in {one.rule for one in validate_source(mended.text, asked).findings}
    assert mended.text.startswith(PREAMBLE[:100])
    assert mended.text.endswith("# the end, kept\n")
    assert mend(mended.text, validate_source(mended.text, asked).findings, asked, "router.py").text == mended.text
