"""Recall and precision of the validator, crashes and speed, beside the bars. `python -m bench.patterns [--details]`."""

import argparse
import sys
import tempfile
from pathlib import Path

from bench.patterns.cases import read_mutants, read_projects, read_rewrites
from bench.patterns.foreign import measure_foreign
from bench.patterns.judging import Bench, RuleScore
from bench.patterns.speed import measure_speed


def main() -> int:
    """Prints the tables; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--details", action="store_true", help="name every miss")
    parser.add_argument("--rule", help="only the mutants of this rule")
    parser.add_argument("--cases-only", action="store_true", help="leave out foreign files and speed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), read_projects())
        mutants = [case for case in read_mutants() if options.rule in (None, case.rule)]
        scores = bench.judge_mutants(mutants)
        clean = bench.judge_equal(read_rewrites())
    print_scores(scores, clean.findings, clean.programs)
    if options.details:
        for line in [*clean.details, *(line for score in scores for line in score.details)]:
            print("  ", line)
    found, wrong = sum(score.found for score in scores), sum(score.wrong for score in scores) + clean.findings
    recall, precision = found / max(1, sum(score.mutants for score in scores)), found / max(1, found + wrong)
    met = [bar("recall", recall, 0.95), bar("precision", precision, 0.95)]
    if not options.cases_only:
        crashes, files = measure_foreign(1_000)
        met.append(bar(f"foreign files judged without a crash, of {files}", 1 - crashes / files, 1.0))
        met.append(bar("files a second, two processes", measure_speed(), 500))
    return 0 if all(met) else 1


def print_scores(scores: list[RuleScore], clean_findings: int, clean_programs: int) -> None:
    print(f"{'rule':28} {'mutants':>8} {'ways':>5} {'found':>6} {'recall':>7} {'wrong':>6}")
    for score in scores:
        print(
            f"{score.rule:28} {score.mutants:>8} {score.ways:>5} {score.found:>6} "
            f"{score.found / max(1, score.mutants):>7.1%} {score.wrong:>6}"
        )
    print(f"{'good and equal programs':28} {clean_programs:>8} {'':>5} {'':>6} {'':>7} {clean_findings:>6}")


def bar(name: str, value: float, wanted: float) -> bool:
    print(f"{name}: {value:,.3f} (bar {wanted:,.2f}) {'met' if value >= wanted else 'MISSED'}")
    return value >= wanted


if __name__ == "__main__":
    sys.exit(main())
