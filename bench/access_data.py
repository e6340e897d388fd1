"""What rights over tables, columns and rows cost per question: `python -m bench.access_data [--rounds N]`.

The demo shop through the whole pipeline in one process, engine alone: nobody kept from anything, a policy that is silent about
data, one that hides, one that filters rows. CPU time of the process (the database's threads included), the ways taken in turn;
the ratios are what holds on another machine. A question asked again finds its draft; one never asked before is drafted.
"""

import argparse
import asyncio
import gc
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median

import structlog
from bench.ask_questions import QUESTIONS, distinct_questions
from bench.figures import print_table

from mcp_gateway.access.data.printing import print_restricted
from mcp_gateway.access.data.restrict import restrict
from mcp_gateway.access.data.rights import PolicyRights
from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.model import ACTIONS, CallerValue, RowFilter, Rule
from mcp_gateway.adapters.memory import MemoryConversations
from mcp_gateway.asgi.embedded import open_faces, servers_of, settle_data
from mcp_gateway.ask.answer import AnswerQuestion
from mcp_gateway.ask.engine import EmbeddedEngine
from mcp_gateway.ask.gather import ResourceGatherer
from mcp_gateway.ask.model import Question
from mcp_gateway.ask.narrowing import EverythingSeen, Narrowing
from mcp_gateway.ask.ports import DataPolicy
from mcp_gateway.ask.remembered_drafts import RememberedDrafts
from mcp_gateway.ask.resolve import WordResolver
from mcp_gateway.ask.servers import Servers
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.sql.read_only import check_read_only
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.servers import plain_configuration, server_maker

EVERYTHING, SILENT, HIDDEN, FILTERED = "everything is seen", "a silent policy", "tables and columns hidden", "rows filtered, too"
CALLER = Caller(tenant="acme", subject="eva", roles=frozenset({"analyst"}), attributes={"region": "1"})
HIDES = (
    Rule(id="no-pay", effect="deny", actions=frozenset(ACTIONS), columns=("*.salary", "*.email", "*.phone", "*.birth_date")),
    Rule(id="no-stock", effect="deny", actions=frozenset(ACTIONS), tables=("stock",)),
)
FILTERS = tuple(
    RowFilter(id=table, tables=(table,), column="region_id", operator="=", value=CallerValue(attribute="region"))
    for table in ("orders", "customers", "employees")
)
SQL = """
WITH best AS (SELECT customer_id, COUNT(*) AS orders FROM orders WHERE status <> 'cancelled' GROUP BY customer_id)
SELECT c.customer_name, b.orders, SUM(s.amount) AS revenue FROM best AS b JOIN customers AS c ON c.customer_id = b.customer_id
JOIN orders AS o ON o.customer_id = c.customer_id JOIN sales AS s ON s.order_id = o.order_id
WHERE c.country = 'Germany' GROUP BY c.customer_name, b.orders ORDER BY revenue DESC LIMIT 10
"""


@dataclass
class Way:
    """One way to be asked, and the CPU seconds of each of its rounds."""

    ask: AnswerQuestion
    again: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)


def policies() -> dict[str, DataPolicy]:
    silent = build_policy()
    hidden = build_policy(Statements(rules=HIDES))
    filtered = build_policy(Statements(rules=HIDES, row_filters=FILTERS))
    return {
        EVERYTHING: EverythingSeen(),
        SILENT: PolicyRights(lambda: silent),
        HIDDEN: PolicyRights(lambda: hidden),
        FILTERED: PolicyRights(lambda: filtered),
    }


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[dict[str, Way], DatabaseSchema]]:
    clock = SystemClock()
    settings = load_settings({"cache_dir": folder, "max_rows": 1_000})
    settings = await settle_data(settings, clock=clock)
    async with AsyncExitStack() as stack:
        served = servers_of(await stack.enter_async_context(open_faces(settings, clock=clock)))
        servers = Servers(plain_configuration(settings, served), server_maker(served, clock), clock)
        await servers.connect()
        stack.push_async_callback(servers.close)
        gatherer, resolver = ResourceGatherer(servers, clock), WordResolver(servers)
        ways = {
            name: Way(
                AnswerQuestion(
                    gatherer=gatherer,
                    resolver=resolver,
                    engine=RememberedDrafts(EmbeddedEngine()),
                    conversations=MemoryConversations(clock, ttl_seconds=600, max_turns=5),
                    clock=clock,
                    new_id=lambda: "bench",
                    narrowing=Narrowing(policy),
                )
            )
            for name, policy in policies().items()
        }
        yield ways, (await gatherer.gather("auto")).schema


async def asked(ask: AnswerQuestion, questions: tuple[str, ...]) -> float:
    """CPU seconds for all of them."""
    gc.collect()
    begun = time.process_time()
    for text in questions:
        await ask(CALLER, Question(text=text, engine="engine"))
    return time.process_time() - begun


async def measure(folder: Path, rounds: int) -> DatabaseSchema:
    fresh = distinct_questions()
    async with opened(folder) as (ways, schema):
        for way in ways.values():
            await asked(way.ask, QUESTIONS)
        for _ in range(rounds):
            new = tuple(islice(fresh, len(QUESTIONS)))
            for way in ways.values():
                way.again.append(await asked(way.ask, QUESTIONS))
                way.first.append(await asked(way.ask, new))
    base = ways[EVERYTHING]
    print_table(
        "CPU per question, median of the rounds",
        ("who asks", "asked again ms", "ratio", "never asked before ms", "ratio"),
        [(name, *_figures(way.again, base.again), *_figures(way.first, base.first)) for name, way in ways.items()],
    )
    return schema


def _figures(taken: list[float], base: list[float]) -> tuple[str, str]:
    ratio = median(one / other for one, other in zip(taken, base, strict=True))
    return f"{median(taken) / len(QUESTIONS) * 1000:.2f}", f"{ratio:.2f}"


def measure_parts(schema: DatabaseSchema) -> None:
    policy = build_policy(Statements(rules=HIDES, row_filters=FILTERS))
    known = PolicyRights(lambda: policy)
    rights = known.rights(CALLER, "ask", schema)
    assert rights is not None
    tree = check_read_only(SQL, "duckdb")
    parse = _microseconds(lambda: check_read_only(SQL, "duckdb"), 100)
    rows = [
        ("rights of a caller, found again", lambda: known.rights(CALLER, "ask", schema), 20_000),
        ("rights of a caller, computed", lambda: PolicyRights(lambda: policy).rights(CALLER, "ask", schema), 20),
        ("a query of four tables: parse and check", lambda: check_read_only(SQL, "duckdb"), 100),
        ("the same: restrict", lambda: restrict(tree, rights, "duckdb"), 100),
        (
            "the same: print and check what is printed",
            lambda: print_restricted(restrict(tree, rights, "duckdb"), "duckdb"),
            50,
        ),
    ]
    print_table(
        "CPU of the parts",
        ("part", "microseconds", "of one parse"),
        [(name, f"{(cost := _microseconds(work, times)):.1f}", f"{cost / parse:.3f}") for name, work, times in rows],
    )


def _microseconds(work: Callable[[], object], times: int) -> float:
    best = float("inf")
    for _ in range(5):
        begun = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - begun) / times * 1e6)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as folder:
        schema = asyncio.run(measure(Path(folder), rounds))
    measure_parts(schema)


if __name__ == "__main__":
    main()
