"""Programs written out, judged at the highest level, and compared with what should be found."""

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bench.patterns.cases import Case, Project
from bench.patterns.rewriting import REWRITES

from mcp_gateway.kit.patterns.model import Finding, Order
from mcp_gateway.kit.patterns.validate import validate


@dataclass(slots=True, kw_only=True)
class RuleScore:
    """`ways`:

    cases as written; `mutants`: each of them also said in other words. `wrong`: findings of other rules nobody expected.
    """

    rule: str
    ways: int = 0
    mutants: int = 0
    found: int = 0
    wrong: int = 0
    details: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class CleanScore:
    """Findings where there should be none."""

    programs: int = 0
    findings: int = 0
    details: list[str] = field(default_factory=list)


class Bench:
    """Judges programs below one folder."""

    def __init__(self, folder: Path, projects: dict[str, Project]) -> None:
        self._folder, self._projects = folder, projects
        self._numbers = count()

    def judge_mutants(self, cases: list[Case]) -> list[RuleScore]:
        """By rule, in the order of their names."""
        scores: dict[str, RuleScore] = {}
        for case in cases:
            score = scores.setdefault(case.rule, RuleScore(rule=case.rule))
            score.ways += 1
            mutated = case.applied(self._projects[case.base])
            for name, rewrite in REWRITES.items():
                self._judge_mutant(case, name, rewrite(mutated), score)
        return [scores[rule] for rule in sorted(scores)]

    def _judge_mutant(self, case: Case, name: str, project: Project, score: RuleScore) -> None:
        score.mutants += 1
        findings = self._findings(project)
        rules = {one.rule for one in findings}
        if case.rule in rules:
            score.found += 1
        else:
            score.details.append(f"MISSED {case.rule} / {case.name} / {name}")
        others = [one for one in findings if one.rule != case.rule and one.rule not in case.also]
        score.wrong += len(others)
        score.details += [
            f"WRONG  {case.rule} / {case.name} / {name}: {one.file}:{one.place.line} {one.rule}: {one.message}" for one in others
        ]

    def judge_equal(self, cases: list[Case]) -> CleanScore:
        """The good programs, and all that mean the same."""
        score = CleanScore()
        programs = [(base, project) for base, project in self._projects.items()]
        programs += [(case.name, case.applied(self._projects[case.base])) for case in cases]
        for title, project in programs:
            for name, rewrite in REWRITES.items():
                score.programs += 1
                findings = self._findings(rewrite(project))
                score.findings += len(findings)
                score.details += [
                    f"WRONG  {title} / {name}: {one.file}:{one.place.line} {one.rule}: {one.message}" for one in findings
                ]
        return score

    def _findings(self, project: Project) -> tuple[Finding, ...]:
        root = self._folder / str(next(self._numbers))
        for name, text in project.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        report = validate(Order(root=root, paths=(root,), level="production_ready"))
        assert not report.unreadable, report.unreadable
        return report.findings
