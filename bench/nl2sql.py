"""How many questions over foreign databases the embedded engine answers right, and how well it knows when it cannot.

  python bench/nl2sql.py --questions FILE... --databases DIR --predictions OUT.jsonl [--jobs N] [--limit N] [--threshold X]

Reads question sets as JSON lines (`id`, `db_id`, `question`; optional `history`: the earlier questions of a dialogue, oldest
first), one SQLite file a database, through the product's own reading of schemas and search for values. Writes one line a
question: {"id", "predicted_sql", "confidence"}; predicted_sql is null below the threshold (the product's own unless given;
0 always answers). With an evaluator at hand (`--evaluator`, or `evaluate.py` beside the folder of databases) its table is
printed twice, from the same pass: answering at the threshold, and always answering. The clock is frozen; the output depends
on the input alone.
"""

import argparse
import asyncio
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from mcp_gateway.adapters.databases.open import open_database
from mcp_gateway.ask.engine import EmbeddedEngine
from mcp_gateway.ask.engine.scoring import THRESHOLD
from mcp_gateway.ask.model import Draft, DraftRequest, Turn, ValueMatch
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.tables.tables import Tables

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MOST_CHARS = 4000


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One question; `history` are the earlier ones of its dialogue."""

    id: str
    database: str
    question: str
    history: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """The best reading, whatever its confidence; `sql` None when there is none."""

    id: str
    sql: str | None
    confidence: float
    confident: bool
    milliseconds: float


def read_items(paths: Sequence[Path], limit: int | None) -> list[Item]:
    """The questions of the files in order, the first `limit` of each."""
    items: list[Item] = []
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            shapes = [json.loads(line) for line in lines if line.strip()]
        for shape in shapes[:limit]:
            history = tuple(str(each) for each in shape.get("history") or ())
            items.append(Item(id=shape["id"], database=shape["db_id"], question=shape["question"], history=history))
    return items


def find_database(folder: Path, name: str) -> Path:
    """The SQLite file of a database. Raises `FileNotFoundError`."""
    for candidate in (folder / f"{name}.sqlite", folder / name / f"{name}.sqlite", folder / f"{name}.db"):
        if candidate.is_file():
            return candidate
    wanted = f"{name}.sqlite".casefold()
    for path in sorted(folder.iterdir()):
        if path.name.casefold() == wanted:
            return path
    raise FileNotFoundError(f"There is no file for the database {name!r} in {folder}.")


class Asked:
    """One database with its engine; remembers the turns of dialogues so that no question is asked twice."""

    def __init__(self, tables: Tables, schema: DatabaseSchema) -> None:
        self._tables = tables
        self._schema = schema
        self._engine = EmbeddedEngine()
        self._turns: dict[tuple[str, ...], tuple[Turn, Draft, float]] = {}

    async def ask(self, questions: tuple[str, ...]) -> tuple[Draft, float]:
        """The draft for the last question after the earlier ones, and the milliseconds the engine took for it."""
        history: list[Turn] = []
        for end in range(1, len(questions) + 1):
            if questions[:end] not in self._turns:
                self._turns[questions[:end]] = await self._answer(questions[end - 1], tuple(history))
            history.append(self._turns[questions[:end]][0])
        _, draft, milliseconds = self._turns[questions]
        return draft, milliseconds

    async def _answer(self, question: str, history: tuple[Turn, ...]) -> tuple[Turn, Draft, float]:
        found = await self._tables.find_values(question[:MOST_CHARS])
        values = tuple(
            ValueMatch(start=m.start, end=m.end, table=m.table, column=m.column, value=m.value, score=m.score, how=m.how)
            for m in found.matches
        )
        request = DraftRequest(question=question, schema=self._schema, now=NOW, values=values, history=history)
        started = time.perf_counter()
        draft = await self._engine.draft(request)
        milliseconds = (time.perf_counter() - started) * 1000
        best = draft.best
        return Turn(question=question, sql=best.sql if best else None, form=best.form if best else None), draft, milliseconds


async def predict(path: Path, items: Sequence[Item]) -> list[Prediction]:
    """The predictions for the questions over one database."""
    tables = Tables(open_database(f"sqlite:///{path}"), FixedClock(NOW))
    try:
        await tables.warm()
        asked = Asked(tables, await tables.read_schema())
        made: list[Prediction] = []
        for item in items:
            draft, milliseconds = await asked.ask((*item.history, item.question))
            best = draft.best
            made.append(
                Prediction(
                    id=item.id,
                    sql=best.sql if best else None,
                    confidence=best.confidence if best else 0.0,
                    confident=draft.confident and best is not None,
                    milliseconds=milliseconds,
                )
            )
        return made
    finally:
        await tables.close()


def predict_database(job: tuple[Path, tuple[Item, ...]]) -> list[Prediction]:
    """One job of a worker process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    return asyncio.run(predict(*job))


def predict_all(items: Sequence[Item], folder: Path, jobs: int) -> list[Prediction]:
    """All predictions, in the order of the questions."""
    by_database: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_database[item.database].append(item)
    work = [(find_database(folder.absolute(), name), tuple(many)) for name, many in sorted(by_database.items())]
    if jobs > 1:
        with ProcessPoolExecutor(jobs) as pool:
            results = list(pool.map(predict_database, work))
    else:
        results = [predict_database(job) for job in work]
    found = {prediction.id: prediction for many in results for prediction in many}
    return [found[item.id] for item in items]


def write_predictions(path: Path, predictions: Sequence[Prediction], threshold: float | None) -> int:
    """Write the file; returns how many questions are answered in it."""
    answered = 0
    with path.open("w", encoding="utf-8") as out:
        for each in predictions:
            answers = each.confident if threshold is None else each.confidence >= threshold
            sql = each.sql if answers else None
            answered += sql is not None
            out.write(json.dumps({"id": each.id, "predicted_sql": sql, "confidence": round(each.confidence, 4)}) + "\n")
    return answered


def evaluate(evaluator: Path, options: argparse.Namespace, predictions: Path, title: str) -> None:
    """Run the evaluator on a file of predictions and let it print."""
    print(f"\n##### {title}", flush=True)
    command = [sys.executable, str(evaluator), "--questions", *map(str, options.questions)]
    command += ["--predictions", str(predictions), "--databases", str(options.databases)]
    subprocess.run(command, check=False, timeout=3600)  # noqa: S603  # the user's own evaluator


def find_evaluator(options: argparse.Namespace) -> Path | None:
    """The evaluator named, or the one beside the databases."""
    if options.evaluator is not None:
        return Path(options.evaluator)
    beside = Path(options.databases).absolute().parent / "evaluate.py"
    return beside if beside.is_file() else None


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="accuracy of the embedded engine on sets of questions")
    parser.add_argument("--questions", type=Path, nargs="+", required=True, help="JSON lines files")
    parser.add_argument("--databases", type=Path, required=True, help="folder with <db_id>.sqlite")
    parser.add_argument("--predictions", type=Path, required=True, help="JSON lines file to write")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--limit", type=int, help="only the first questions of each file")
    parser.add_argument("--threshold", type=float, help=f"answer from this confidence on; the product's own is {THRESHOLD}")
    parser.add_argument("--evaluator", type=Path, help="evaluate.py to run on the predictions")
    return parser.parse_args()


def main() -> None:
    """Predict, write, and let the evaluator judge."""
    options = read_options()
    items = read_items(options.questions, options.limit)
    predictions = predict_all(items, options.databases, options.jobs)
    answered = write_predictions(options.predictions, predictions, options.threshold)
    times = sorted(each.milliseconds for each in predictions) or [0.0]
    share = answered / len(predictions) if predictions else 0.0
    print(f"{len(predictions)} questions, {answered} answered (coverage {share:.1%})")
    print(f"engine: p50 {times[len(times) // 2]:.1f} ms, p95 {times[int(len(times) * 0.95)]:.1f} ms a question")
    evaluator = find_evaluator(options)
    if evaluator is None:
        return
    threshold = "the product's threshold" if options.threshold is None else f"threshold {options.threshold}"
    evaluate(evaluator, options, options.predictions, f"answering at {threshold}")
    with tempfile.TemporaryDirectory() as folder:
        forced = Path(folder) / "forced.jsonl"
        write_predictions(forced, predictions, 0.0)
        evaluate(evaluator, options, forced, "always answering")


if __name__ == "__main__":
    main()
