"""The page of the benchmark: scores and the confusion matrix."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.faults.all_faults import FAULTS
from bench.faults.cases import STRENGTHS
from bench.faults.controls import Control
from bench.faults.runs import Run

# What figures alone do not say of the runs that are published.
NOTES = Path(__file__).with_name("notes.md")
HEADER = """# Fault benchmark

Faults put into a real gateway on the kit (two replicas, an engine, two MCP servers, Valkey, SQLite, an issuer of tokens) under
the load of twenty tenants, and what `auto` answered. A run: six seconds of health, the fault for six to sixteen, a diagnosis, and
more of the same, the remedies of the first cause, and a look whether all is served as usual and the cause is gone.
`python -m bench.faults` measures it anew; [`mcp-gateway ops faults`](faults.md) puts some of the faults into services of one's
own. The latest run of each fault and strength is shown; what was not run is not there.
"""


def write_report(path: Path, runs: Sequence[Run], controls: Sequence[Control], cost: Sequence[str] = ()) -> None:
    notes = NOTES.read_text(encoding="utf-8").splitlines()
    parts = [HEADER, *scores(runs, controls), "", *cost, "", *notes, "", *_matrix(runs), "", *_each(runs)]
    path.write_text("\n".join(parts) + "\n", encoding="utf-8")


def scores(runs: Sequence[Run], controls: Sequence[Control]) -> list[str]:
    """Lines of a table by strength, and what holds for all runs."""
    names = ("strength", "true cause first", "in the first three", "part named", "evidence named", "mended within 60 s")
    lines = [f"| {' | '.join(names)} |", "|---|---|---|---|---|---|"]
    for strength in STRENGTHS:
        of = [run for run in runs if run.strength == strength]
        if of:
            three = sum(0 < run.place <= 3 for run in of)
            mended = sum(run.restored_in is not None for run in of)
            shown = (
                sum(run.first for run in of),
                three,
                sum(run.component for run in of),
                sum(run.evidence for run in of),
                mended,
            )
            lines.append(f"| {strength} | " + " | ".join(f"{one}/{len(of)}" for one in shown) + " |")
    if runs:
        stable, asked = sum(run.stable for run in runs), sum(run.asked for run in runs)
        unsafe = sum(run.unsafe for run in runs)
        slowest = max(run.seconds for run in runs)
        again = f"Asked again: the same first cause {stable} times of {asked}."
        lines += ["", f"{again} Slowest answer {slowest:.1f} s. Unsafe remedies: {unsafe}."]
    for name in sorted({one.name for one in controls}):
        of_one = [one for one in controls if one.name == name]
        lines.append(f"Control {name}: right {sum(one.right for one in of_one)} times of {len(of_one)}.")
    return lines


def _matrix(runs: Sequence[Run]) -> list[str]:
    """Rows are what was wrong; the last column is what was answered first instead."""
    names = ("fault", "true cause", "right", "answered instead", "the tempting mistake")
    lines = ["## Confusion matrix", "", f"| {' | '.join(names)} |", "|---|---|---|---|---|"]
    tempting = {fault.code: fault.tempting for fault in FAULTS}
    for code, cause in dict.fromkeys((run.fault, run.cause) for run in runs):
        of = [run for run in runs if run.fault == code]
        wrong = Counter(run.answered[0] if run.answered else "nothing" for run in of if not run.first)
        instead = ", ".join(f"{name} ({count})" for name, count in sorted(wrong.items())) or "–"
        lines.append(f"| {code} | `{cause}` | {sum(run.first for run in of)}/{len(of)} | {instead} | {tempting[code]} |")
    return lines


def _each(runs: Sequence[Run]) -> list[str]:
    lines = [
        "## Each run",
        "",
        "| fault | strength | answered, in order | remedies | mended in | answer |",
        "|---|---|---|---|---|---|",
    ]
    for run in runs:
        mended = "not" if run.restored_in is None else f"{run.restored_in:.0f} s"
        answers, applied = ", ".join(run.answered) or "nothing", ", ".join(run.applied) or "–"
        lines.append(f"| {run.fault} | {run.strength} | {answers} | {applied} | {mended} | {run.seconds:.1f} s |")
    return lines
