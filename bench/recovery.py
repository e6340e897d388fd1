"""How many broken queries are repaired to the right result, and whether any right query is harmed.

  python -m bench.recovery                                        the demo shop, golden questions included
  python -m bench.recovery --questions FILE... --databases DIR    any set in the format of the question sets (SQLite files)

One fault is injected per query, repeatable by `--seed`; only broken queries that fail or change the result count. Each goes
through the real pipeline: with the question it was meant to answer, without it, and with recovery switched off (the baseline).
"""

import argparse
import asyncio
import json
import logging
import random
import re
import statistics
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import structlog
from bench import golden_shop
from bench.figures import percentile, print_table
from bench.sql_faults import FAULTS, parse

from mcp_gateway.adapters.demo_shop.generate import generate_shop
from mcp_gateway.adapters.memory import MemoryConversations
from mcp_gateway.adapters.upstream import embedded_server
from mcp_gateway.ask.answer import AnswerQuestion
from mcp_gateway.ask.model import Answer, Draft, DraftRequest, Question, Reading, Resolution
from mcp_gateway.ask.ports import Gathered, UpstreamServer
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.entrypoints.mcp.tables import build_tables_server
from mcp_gateway.tables.tables import Tables
from mcp_gateway.wiring.data import open_tables
from mcp_gateway.wiring.servers import EMBEDDED, TABLES

SHOP_QUERIES = Path(__file__).with_name("recovery_shop.sql")
SHOP_DAY = date(2026, 11, 21)
MOST_ROWS = 50_000
WAYS = ("off", "sql", "question")
TARGET = 0.60


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A right query and the question it answers."""

    question: str
    sql: str


@dataclass(slots=True)
class Tally:
    """What became of the broken queries of one fault, treated one way."""

    outcomes: Counter[str] = field(default_factory=Counter)
    attempts: list[int] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def share(self, outcome: str) -> float:
        return self.outcomes[outcome] / max(1, self.outcomes.total())


class _Given:
    """A drafter that answers with the SQL at hand, as a model would that got it slightly wrong."""

    name = "given"

    def __init__(self, sql: str) -> None:
        self._sql = sql

    async def draft(self, request: DraftRequest) -> Draft:
        reading = Reading(sql=self._sql, description=request.question, confidence=1.0)
        return Draft(source="given", readings=(reading,), confident=True)


class _Fixed:
    """Gathers and resolves nothing anew: the schema does not change while measuring."""

    def __init__(self, schema: DatabaseSchema, database: UpstreamServer) -> None:
        self._gathered = Gathered(schema=schema, database=database, mode="single_mcp", servers_used=(database.name,))

    async def gather(self, mode: str) -> Gathered:  # the port's name
        return self._gathered

    async def resolve(self, question: str, gathered: Gathered) -> Resolution:  # the port's names
        return Resolution()


class Clinic:
    """One database with the real pipeline before it."""

    def __init__(self, schema: DatabaseSchema, tables: Tables, database: UpstreamServer) -> None:
        self.schema = schema
        self._tables = tables
        self._world = _Fixed(schema, database)
        self._clock = SystemClock()

    async def result(self, sql: str) -> tuple[tuple[Json, ...], ...] | None:
        """The rows as they are, past the pipeline; None when the query fails."""
        try:
            return (await self._tables.execute_query(sql, max_rows=MOST_ROWS, timeout_seconds=20)).rows
        except GatewayError:
            return None

    async def treat(self, sql: str, way: str, question: str) -> Answer | GatewayError:
        ask = AnswerQuestion(
            gatherer=self._world,
            resolver=self._world,
            engine=_Given(sql),
            conversations=MemoryConversations(self._clock, ttl_seconds=60, max_turns=1),
            clock=self._clock,
            new_id=lambda: "bench",
        )
        text = question if way == "question" else sql
        asked = Question(text=text, enable_recovery=way != "off", max_rows=MOST_ROWS)
        try:
            return await (ask(LOCAL_CALLER, asked) if way == "question" else ask.run_sql(LOCAL_CALLER, asked))
        except GatewayError as error:
            return error


def same_rows(left: Iterable[tuple[Json, ...]], right: Iterable[tuple[Json, ...]]) -> bool:
    """Equal as multisets, numbers to nine digits."""
    return Counter(map(_comparable, left)) == Counter(map(_comparable, right))


def _comparable(row: tuple[Json, ...]) -> tuple[str, ...]:
    return tuple(
        f"{value:.9g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else repr(value) for value in row
    )


def read_cases(path: Path) -> Iterator[Case]:
    """`-- question` lines, each followed by its SQL up to a semicolon."""
    for question, sql in re.findall(r"^-- (.+)\n((?:(?!--).*\n?)+?);", path.read_text(), re.MULTILINE):
        yield Case(question=question.strip(), sql=" ".join(sql.split()))


def golden_cases() -> Iterator[Case]:
    """The golden questions of one turn, with the rows' SQL; none harmed by ties in their order."""
    for case in golden_shop.read_cases():
        if case.sqls and len(case.asks) == 1 and case.ties is None:
            yield Case(question=case.asks[0], sql=case.sqls[0])


async def measure(clinic: Clinic, cases: list[Case], chance: random.Random, report: "Report") -> None:
    """Break every case in every way that applies, and treat what is broken."""
    for case in cases:
        right = await clinic.result(case.sql)
        tree = parse(case.sql, clinic.schema.dialect)
        if right is None or tree is None:
            continue
        await _check_damage(clinic, case, right, report)
        for fault, break_it in FAULTS.items():
            broken = break_it(tree, clinic.schema.dialect, random.Random(chance.random()))  # noqa: S311  # repeatable on purpose
            if broken is None or broken == case.sql:
                continue
            wrong = await clinic.result(broken)
            if wrong is not None and same_rows(wrong, right):
                continue
            for way in WAYS:
                await _treat(clinic, case, broken, fault, way, right, report)


async def _check_damage(clinic: Clinic, case: Case, right: tuple[tuple[Json, ...], ...], report: "Report") -> None:
    for way in WAYS[1:]:
        answer = await clinic.treat(case.sql, way, case.question)
        report.healthy += 1
        if isinstance(answer, GatewayError) or answer.rows is None or not same_rows(answer.rows.rows, right):
            report.damaged.append(f"{case.sql}\n      {answer.message if isinstance(answer, GatewayError) else answer.sql}")


async def _treat(
    clinic: Clinic, case: Case, broken: str, fault: str, way: str, right: tuple[tuple[Json, ...], ...], report: "Report"
) -> None:
    answer = await clinic.treat(broken, way, case.question)
    tally = report.tallies[fault, way]
    if isinstance(answer, GatewayError) or answer.rows is None:
        outcome = "honest"
    elif same_rows(answer.rows.rows, right):
        outcome = "right"
    else:
        outcome = "wrong" if answer.attempts else "unnoticed"
    tally.outcomes[outcome] += 1
    if isinstance(answer, Answer):
        tally.attempts.append(len(answer.attempts))
        tally.milliseconds.append(sum(step.duration_ms for step in answer.steps))
    if report.verbose and way == "question" and outcome != "right":
        shown = answer.message if isinstance(answer, GatewayError) else answer.sql
        print(f"[{outcome}] {fault}\n  right  {case.sql}\n  broken {broken}\n  got    {shown}", file=sys.stderr)


@dataclass(slots=True)
class Report:
    verbose: bool = False
    tallies: dict[tuple[str, str], Tally] = field(default_factory=lambda: defaultdict(Tally))
    healthy: int = 0
    damaged: list[str] = field(default_factory=list)

    def total(self, way: str) -> Tally:
        whole = Tally()
        for (_, treated), tally in self.tallies.items():
            if treated == way:
                whole.outcomes += tally.outcomes
                whole.attempts += tally.attempts
                whole.milliseconds += tally.milliseconds
        return whole

    def show(self) -> None:
        """The table: shares of the broken queries, then harm, attempts and time."""
        lines = [self._line(fault, [self.tallies[fault, way] for way in WAYS]) for fault in FAULTS]
        lines.append(self._line("all", [self.total(way) for way in WAYS]))
        header = ("fault", "n", "no recovery", "SQL alone", "with question", "misrepaired", "honest error")
        print_table("Share of broken queries repaired to the right rows", header, [line for line in lines if line[1] != "0"])
        treated = self.total("question")
        print(f"right queries harmed: {len(self.damaged)} of {self.healthy}")
        print(f"attempts per answer: {statistics.mean(treated.attempts or [0]):.2f}")
        for name, share in (("p50", 0.5), ("p95", 0.95)):
            print(f"time per answer, {name}: {percentile(treated.milliseconds, share):.1f} ms")
        for harmed in self.damaged[:20]:
            print(f"harmed: {harmed}")

    def _line(self, name: str, tallies: list[Tally]) -> tuple[str, ...]:
        off, alone, asked = tallies
        shares = (off.share("right"), alone.share("right"), asked.share("right"), asked.share("wrong"), asked.share("honest"))
        return (name, str(asked.outcomes.total()), *(f"{share:.1%}" for share in shares))


async def measure_database(url: str, cases: list[Case], chance: random.Random, report: Report) -> None:
    async with open_tables(url, clock=SystemClock()) as tables:
        server = embedded_server(EMBEDDED[TABLES], build_tables_server(tables).server)
        await server.connect()
        try:
            await measure(Clinic(await tables.read_schema(), tables, server), cases, chance, report)
        finally:
            await server.close()


def cases_by_database(paths: list[Path], limit: int | None, chance: random.Random) -> dict[str, list[Case]]:
    """At most `limit` questions over all files, drawn at random; those without a gold query are left out."""
    items = [json.loads(line) for path in paths for line in path.read_text().splitlines() if line.strip()]
    items = [item for item in items if item.get("gold_sql") and not item.get("gold_empty")]
    chance.shuffle(items)
    found: dict[str, list[Case]] = defaultdict(list)
    for item in items[:limit]:
        found[item["db_id"]].append(Case(question=item["question"], sql=item["gold_sql"]))
    return dict(sorted(found.items()))


async def run(arguments: argparse.Namespace) -> Report:
    report = Report(verbose=arguments.verbose)
    chance = random.Random(arguments.seed)  # noqa: S311  # repeatable on purpose, nothing secret
    if arguments.questions:
        for name, cases in cases_by_database(arguments.questions, arguments.limit, chance).items():
            await measure_database(f"sqlite:///{arguments.databases / name}.sqlite", cases, chance, report)
        return report
    with tempfile.TemporaryDirectory() as folder:
        shop = Path(folder) / "shop.duckdb"
        generate_shop(shop, today=SHOP_DAY)
        cases = [*read_cases(SHOP_QUERIES), *golden_cases()]
        await measure_database(f"duckdb:///{shop}", cases[: arguments.limit], chance, report)
    return report


def main() -> int:
    """Exit code 1 when a right query was harmed or fewer than the promised share repaired."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, nargs="+", default=[])
    parser.add_argument("--databases", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, default=None, help="at most so many queries")
    parser.add_argument("--verbose", action="store_true", help="print what was not repaired")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    report = asyncio.run(run(arguments))
    report.show()
    return 1 if report.damaged or report.total("question").share("right") < TARGET else 0


if __name__ == "__main__":
    raise SystemExit(main())
