"""Golden questions on small databases such as newcomers bring, engine alone and without a glossary: right, abstained, wrong.

python bench/golden_elsewhere.py [--show abstained|wrong|bad|all] [--only TEXT] [--csv]

Each `tests/golden/elsewhere/NAME.sql` makes a SQLite file; `NAME.txt` has its questions, written as those of the demo shop.
An abstention is fine, too, where a case has both `abstain` and rows. `--csv` asks a folder of CSV files instead: the same
rows with no keys declared.
"""

import argparse
import asyncio
import csv
import logging
import sqlite3
import sys
import tempfile
from collections import Counter
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.golden import show
from bench.golden_shop import NOW, Outcome, ask_case, read_cases

from mcp_gateway.asgi.embedded import open_embedded_gateway
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.settings import load_settings

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden" / "elsewhere"


def databases() -> list[str]:
    """The names of the small databases."""
    return sorted(path.stem for path in FOLDER.glob("*.sql"))


async def ask_all(name: str, folder: Path, *, only: str = "", as_csv: bool = False) -> list[Outcome]:
    """Every question of one database, whose file is made anew in `folder`."""
    cases = [case for case in read_cases(FOLDER, f"{name}.txt") if only.casefold() in case.name.casefold()]
    path = _make(name, folder)
    data = _as_csv(path) if as_csv else path
    settings = load_settings(
        {"cache_dir": folder, "tables_url": str(data), "max_rows": 20_000, "drafter": "engine", "enable_health_checks": False}
    )
    async with open_embedded_gateway(settings, clock=FixedClock(NOW)) as gateway:
        truth = sqlite3.connect(path)
        try:
            return [await ask_case(gateway, truth, case, f"{name}-{place}") for place, case in enumerate(cases)]
        finally:
            truth.close()


def _make(name: str, folder: Path) -> Path:
    path = folder / f"{name}.sqlite"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    try:
        connection.executescript((FOLDER / f"{name}.sql").read_text(encoding="utf-8"))
        connection.commit()
    finally:
        connection.close()
    return path


def _as_csv(path: Path) -> Path:
    folder = path.with_suffix(".csv.d")
    folder.mkdir(exist_ok=True)
    connection = sqlite3.connect(path)
    try:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            cursor = connection.execute(f"SELECT * FROM {table}")
            with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow([column[0] for column in cursor.description])
                writer.writerows(cursor.fetchall())
    finally:
        connection.close()
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", choices=("right", "abstained", "wrong", "bad", "all"))
    parser.add_argument("--only", default="")
    parser.add_argument("--db", default="")
    parser.add_argument("--csv", action="store_true")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    total: Counter[str] = Counter()
    for name in databases():
        if options.db not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            outcomes = asyncio.run(ask_all(name, Path(folder), only=options.only, as_csv=options.csv))
        if options.show:
            show(outcomes, options.show)
        counts = Counter(outcome.verdict for outcome in outcomes)
        total += counts
        print(f"{name:20}{counts['right']:>7}{counts['abstained']:>11}{counts['wrong']:>7}{counts.total():>6}")
    print(f"{'all':20}{total['right']:>7}{total['abstained']:>11}{total['wrong']:>7}{total.total():>6}")
    return 0 if total["wrong"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
