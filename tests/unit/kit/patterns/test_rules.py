"""Each rule by its own example, and the whole of the benchmark's good programs and hardest rewrites."""

import json
from pathlib import Path

import pytest
from bench.patterns.cases import Case, Project, read_mutants, read_projects, read_rewrites

from mcp_gateway.kit.patterns.model import Order, RuleCard
from mcp_gateway.kit.patterns.reports.shape import report_shape
from mcp_gateway.kit.patterns.rules.catalogue import RULES
from mcp_gateway.kit.patterns.rules.examples import PREAMBLE
from mcp_gateway.kit.patterns.validate import validate, validate_source

PROJECTS = read_projects()
CARDS = [rule.card for rule in RULES]


def written(project: Project, root: Path) -> Order:
    for name, text in project.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Order(root=root, paths=(root,), level="production_ready")


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_the_bad_example_of_a_rule_is_found(card: RuleCard, tmp_path: Path) -> None:
    found = validate_source(PREAMBLE + card.bad, Order(root=tmp_path, paths=(), level="production_ready"))
    assert card.name in {one.rule for one in found.findings}


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_the_good_example_of_a_rule_passes_it(card: RuleCard, tmp_path: Path) -> None:
    found = validate_source(PREAMBLE + card.good, Order(root=tmp_path, paths=(), level="production_ready"))
    assert card.name not in {one.rule for one in found.findings}


@pytest.mark.parametrize("name", sorted(PROJECTS))
def test_a_good_project_has_no_finding_and_scores_one(name: str, tmp_path: Path) -> None:
    report = validate(written(PROJECTS[name], tmp_path))
    assert [f"{one.file}:{one.place.line} {one.rule}" for one in report.findings] == []
    assert report.score == 1.0
    assert report.files


@pytest.mark.parametrize("case", read_rewrites(), ids=lambda case: case.name)
def test_the_same_in_other_words_has_no_finding(case: Case, tmp_path: Path) -> None:
    report = validate(written(case.applied(PROJECTS[case.base]), tmp_path))
    assert [f"{one.file}:{one.place.line} {one.rule}" for one in report.findings] == []


@pytest.mark.parametrize("case", read_mutants()[::9], ids=lambda case: f"{case.rule}-{case.name}")
def test_a_router_made_bad_is_found(case: Case, tmp_path: Path) -> None:
    report = validate(written(case.applied(PROJECTS[case.base]), tmp_path))
    assert case.rule in {one.rule for one in report.findings}


def test_every_rule_is_made_bad_in_fifteen_ways() -> None:
    ways = {card.name: 0 for card in CARDS}
    for case in read_mutants():
        ways[case.rule] += 1
    assert {name: number for name, number in ways.items() if number < 15} == {}


def test_the_report_has_the_shape_of_the_tool(tmp_path: Path) -> None:
    broken = PROJECTS["kit"] | {"shop/old.py": PREAMBLE + CARDS[0].bad}
    shape = json.loads(json.dumps(report_shape(validate(written(broken, tmp_path)))))
    assert shape["overall_compliance"] in ("excellent", "good", "fair", "poor")
    assert 0 < shape["average_compliance_score"] < 1
    assert shape["files_validated"] == 5
    issue = next(one for one in shape["issues_found"] if one["rule"] == "rate-limit-missing")
    assert (issue["file"], issue["priority"]) == ("shop/old.py", "high")
    assert issue["issue"].startswith("Missing EnterpriseRateLimiter")
    assert {"issue", "affected_files", "recommendation"} <= set(shape["recommendations"][0])


def test_a_hook_that_looks_for_the_word_finds_it_only_where_all_is_excellent(tmp_path: Path) -> None:
    bad = "\n\n".join(card.bad for card in CARDS[:8])
    report = validate(written({"shop/good.py": CARDS[0].good, "shop/old.py": PREAMBLE + bad}, tmp_path))
    shape = report_shape(report)
    assert shape["overall_compliance"] != "excellent"
    assert "excellent" not in json.dumps(shape)
