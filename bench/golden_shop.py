"""Golden questions on the demo shop: reads them, asks them through the whole pipeline in process, compares rows.

A case file holds blocks parted by blank lines; each line of a block is `key: text`, continued by indented lines:

    ask      the question                     then    what is asked next in the same conversation (may repeat)
    sql      its right rows, by hand          also    other rows that are right too (may repeat)
    order    "matters": the rows' order too   ties    the column (of `sql`) by which rows may change places
    new      "yes": `then` stands alone       abstain why no answer may be given; beside rows: or these

A result is right when it has the expected rows and, among its columns, the expected ones; up to three more columns may stand
beside them. Numbers agree to nine digits.
"""

import datetime
import decimal
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Literal

import duckdb

from mcp_gateway.asgi.embedded import open_embedded_gateway
from mcp_gateway.ask.model import Answer, Question
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.gateway import Gateway
from mcp_gateway.settings import load_settings

NOW = datetime.datetime(2026, 11, 21, 10, 30, tzinfo=datetime.UTC)
FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden" / "shop"
MAX_EXTRA_COLUMNS = 3
Cell = str | int | float | bool | None
Rows = list[tuple[Cell, ...]]
Verdict = Literal["right", "abstained", "wrong"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One block. `asks` are the turns in order; `sqls` are empty for one that must not be answered."""

    file: str
    asks: tuple[str, ...]
    sqls: tuple[str, ...]
    ordered: bool
    ties: str | None
    stands_alone: bool
    abstain: str

    @property
    def name(self) -> str:
        return " > ".join(self.asks)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How it went; `answer` is the last turn's, None when it ended in an error."""

    case: Case
    verdict: Verdict
    answer: Answer | None = None
    note: str = ""


def read_cases(folder: Path = FOLDER, pattern: str = "*.txt") -> list[Case]:
    return [case for path in sorted(folder.glob(pattern)) for case in _cases_of(path)]


def _cases_of(path: Path) -> Iterator[Case]:
    text = re.sub(r"^#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for block in re.split(r"\n\s*\n", text.strip()):
        parts = re.findall(r"^(\w+): (.*(?:\n[ \t]+.*)*)", block, flags=re.MULTILINE)
        said = dict(parts)
        yield Case(
            file=path.stem,
            asks=tuple(value for key, value in parts if key in ("ask", "then")),
            sqls=tuple(value for key, value in parts if key in ("sql", "also")),
            ordered=said.get("order") == "matters",
            ties=said.get("ties"),
            stands_alone=said.get("new") == "yes",
            abstain=said.get("abstain", ""),
        )


@asynccontextmanager
async def open_shop(cache_dir: Path) -> AsyncIterator[tuple[Gateway, Path]]:
    """The gateway over the shop and its glossary, and the shop's file. The clock stands still."""
    settings = load_settings({"cache_dir": cache_dir, "max_rows": 20_000, "drafter": "engine", "enable_health_checks": False})
    async with open_embedded_gateway(settings, clock=FixedClock(NOW)) as gateway:
        # A copy: the same process cannot open the same file with other options.
        truth = cache_dir / "truth.duckdb"
        newest = max((cache_dir / "demo").glob("shop-*.duckdb"), key=lambda path: path.stat().st_mtime)
        shutil.copy(newest, truth)
        yield gateway, truth


async def ask_case(gateway: Gateway, shop: duckdb.DuckDBPyConnection | sqlite3.Connection, case: Case, session: str) -> Outcome:
    """Ask every turn; the last answer counts. A turn before it that is not answered leaves the case unanswered."""
    for place, text in enumerate(case.asks, start=1):
        question = Question(text=text, session_id=session, engine="engine", max_rows=20_000)
        try:
            answer = await gateway.ask(LOCAL_CALLER, question)
        except GatewayError as error:
            return Outcome(case=case, verdict="right" if case.abstain else "abstained", note=f"{error.code}: {error.message}")
        if answer.rows is None and place < len(case.asks):
            return Outcome(case=case, verdict="abstained", answer=answer, note=f"turn {place}: {answer.reason}")
    if answer.rows is None or not answer.confident:
        return Outcome(case=case, verdict="right" if case.abstain else "abstained", answer=answer, note=answer.reason)
    if case.abstain and not case.sqls:
        return Outcome(case=case, verdict="wrong", answer=answer, note=f"answered, but: {case.abstain}")
    if case.stands_alone and answer.is_follow_up:
        return Outcome(case=case, verdict="wrong", answer=answer, note="taken for a follow-up")
    actual = [tuple(plain(cell) for cell in row) for row in answer.rows.rows]
    for sql in case.sqls:
        cursor = shop.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        expected = [tuple(plain(cell) for cell in row) for row in cursor.fetchall()]
        if rows_agree(expected, actual, ordered=case.ordered, key=names.index(case.ties) if case.ties in names else None):
            return Outcome(case=case, verdict="right", answer=answer)
    return Outcome(
        case=case, verdict="wrong", answer=answer, note=f"{len(actual)} rows, first {actual[:2]}, wanted {expected[:2]}"
    )


@contextmanager
def open_rows(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def plain(cell: object) -> Cell:
    """One cell, whichever way it was carried: numbers to nine digits, a moment at midnight as its day."""
    if isinstance(cell, bool) or cell is None:
        return cell
    if isinstance(cell, int | float | decimal.Decimal):
        return float(f"{float(cell):.9g}")
    if isinstance(cell, datetime.datetime | datetime.date):
        cell = cell.isoformat()
    return re.sub(r"^(\d{4}-\d{2}-\d{2})[T ]00:00:00$", r"\1", str(cell))


def rows_agree(expected: Rows, actual: Rows, *, ordered: bool, key: int | None = None) -> bool:
    """Whether some choice of the actual columns gives the expected rows. `key`: only this column's order counts."""
    if len(expected) != len(actual):
        return False
    if not expected:
        return True
    width, present = len(expected[0]), len(actual[0])
    if present < width or present > width + MAX_EXTRA_COLUMNS:
        return len(expected) == 1 and width == present and expected == actual
    return any(_same(expected, _pick(actual, chosen), ordered=ordered, key=key) for chosen in _candidates(expected, actual))


def _candidates(expected: Rows, actual: Rows) -> Iterable[tuple[int, ...]]:
    """Choices of columns whose contents agree one by one."""
    bags = [Counter(row[place] for row in actual) for place in range(len(actual[0]))]
    wanted = [Counter(row[place] for row in expected) for place in range(len(expected[0]))]
    fitting = [[place for place, bag in enumerate(bags) if bag == want] for want in wanted]
    if any(not places for places in fitting):
        return ()
    everyone = sorted({place for places in fitting for place in places})
    return (
        chosen
        for chosen in permutations(everyone, len(wanted))
        if all(place in fits for place, fits in zip(chosen, fitting, strict=True))
    )


def _pick(rows: Rows, chosen: Sequence[int]) -> Rows:
    return [tuple(row[place] for place in chosen) for row in rows]


def _same(expected: Rows, actual: Rows, *, ordered: bool, key: int | None) -> bool:
    if Counter(expected) != Counter(actual):
        return False
    if not ordered:
        return True
    return expected == actual if key is None else [row[key] for row in expected] == [row[key] for row in actual]
