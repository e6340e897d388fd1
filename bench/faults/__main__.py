"""Faults put into a real gateway, found and mended.

`python -m bench.faults [--only F02,F04] [--strengths clear,mild] [--controls N] [--out docs/operations/fault-benchmark.md]`.
"""

import argparse
import asyncio
import logging
import sys
import time
from pathlib import Path

import structlog
from bench.faults.all_faults import FAULTS
from bench.faults.cases import STRENGTHS
from bench.faults.controls import run_controls
from bench.faults.cost import measure as measure_cost
from bench.faults.explaining import explain
from bench.faults.kept import Kept
from bench.faults.lab import Lab
from bench.faults.report import scores, write_report
from bench.faults.runs import Run, run_one


async def measure(options: argparse.Namespace) -> None:
    wanted = set(options.only.split(",")) if options.only else None
    chosen = [fault for fault in FAULTS if wanted is None or fault.code in wanted]
    kept = Kept(Path(options.kept) if options.kept else None)
    async with Lab() as lab:
        for control in await run_controls(lab, options.controls, why=options.why):
            kept.add(control)
        for strength in options.strengths.split(",") if options.strengths else ():
            for fault in chosen:
                begun = time.monotonic()
                run = await run_one(lab, fault, strength, repeats=options.repeats, mend=not options.no_mend)
                kept.add(run)
                _show(run, time.monotonic() - begun, why=options.why)
    runs, controls = kept.read()
    print("\n".join(scores(runs, controls)))
    if options.out:
        cost = (await measure_cost()).lines() if options.cost else []
        write_report(Path(options.out), runs, controls, cost)


def _show(run: Run, seconds: float, *, why: bool) -> None:
    restored = "-" if run.restored_in is None else f"{run.restored_in:.0f} s"
    print(
        f"{run.fault:<5}{run.strength:<7}{'ok' if run.first else f'place {run.place}':<8} answered={list(run.answered)} "
        f"component={run.component} evidence={run.evidence} applied={list(run.applied)} restored={restored} "
        f"stable={run.stable}/{run.asked} answer={run.seconds:.2f}s run={seconds:.0f}s",
        file=sys.stderr,
    )
    for answer in run.swerved:
        print(f"      asked again: {answer}", file=sys.stderr)
    if why and not run.first:
        explain((*run.others, *([run.truth] if run.truth is not None else [])))


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="codes of faults, with commas between them")
    parser.add_argument("--strengths", default=",".join(STRENGTHS))
    parser.add_argument("--controls", type=int, default=0, help="how many runs of each control")
    parser.add_argument("--repeats", type=int, default=1, help="how often each is asked again")
    parser.add_argument("--no-mend", action="store_true", help="diagnose only")
    parser.add_argument("--why", action="store_true", help="show what was answered instead of the true cause")
    parser.add_argument("--kept", default="", help="a file that runs are added to, and the report is made from")
    parser.add_argument("--cost", action="store_true", help="measure what an answer costs the store, too")
    parser.add_argument("--out", default="", help="write the confusion matrix to this file")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
