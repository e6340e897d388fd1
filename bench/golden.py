"""The golden questions on the demo shop, engine alone, through the whole pipeline: right, abstained, wrong, by kind.

python bench/golden.py [--show abstained|wrong|all] [--only TEXT]
"""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.golden_shop import Outcome, ask_case, open_rows, open_shop, read_cases


async def run(only: str) -> list[Outcome]:
    cases = [case for case in read_cases() if only.casefold() in f"{case.file} {case.name}".casefold()]
    cache = Path(tempfile.gettempdir()) / "mcp-gateway-golden"
    async with open_shop(cache) as (gateway, path):
        with open_rows(path) as shop:
            return [await ask_case(gateway, shop, case, f"golden-{place}") for place, case in enumerate(cases)]


def show(outcomes: list[Outcome], wanted: str) -> None:
    for outcome in outcomes:
        if wanted not in ("all", outcome.verdict) and not (wanted == "bad" and outcome.verdict != "right"):
            continue
        print(f"[{outcome.verdict}] {outcome.case.file}: {outcome.case.name}\n    {outcome.note}")
        answer = outcome.answer
        if answer is not None:
            unexplained = f" unexplained: {', '.join(answer.unexplained)}" if answer.unexplained else ""
            print(f"    {answer.confidence:.2f}{unexplained} {answer.sql or '(no reading)'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", choices=("right", "abstained", "wrong", "bad", "all"))
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    began = time.perf_counter()
    outcomes = asyncio.run(run(options.only))
    if options.show:
        show(outcomes, options.show)
    print(f"{'kind':32}{'right':>7}{'abstained':>11}{'wrong':>7}{'of':>6}")
    for kind in sorted({outcome.case.file for outcome in outcomes}):
        counts = Counter(outcome.verdict for outcome in outcomes if outcome.case.file == kind)
        print(f"{kind:32}{counts['right']:>7}{counts['abstained']:>11}{counts['wrong']:>7}{counts.total():>6}")
    total = Counter(outcome.verdict for outcome in outcomes)
    share = total["right"] / max(1, total.total())
    print(f"{'all':32}{total['right']:>7}{total['abstained']:>11}{total['wrong']:>7}{total.total():>6}   {share:.1%} right")
    print(f"{(time.perf_counter() - began) * 1000 / max(1, len(outcomes)):.0f} ms a question, rows compared included")
    return 0 if total["wrong"] == 0 and share >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
