"""How fast an answer is: question to answer over HTTP, through both MCP servers as processes of their own, engine alone.

Beside it, in the same run and over the same servers: the bare SQL of each answer, without any pipeline. Prints tables; measures
only. Run it on an idle machine: python bench/ask.py [--rounds N] [--users N] [--questions N]
"""

import argparse
import asyncio
import contextlib
import logging
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.ask_questions import QUESTIONS, distinct_questions
from bench.figures import percentile, print_table
from bench.http_client import Connection
from bench.processes import Running, running

from mcp_gateway.adapters.upstream.server import remote_server
from mcp_gateway.ask.configuration import MCPServerConfig
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.wiring.demo import DemoShop, prepare_demo

Questions: TypeAlias = tuple[str, ...]

WARMING_ROUNDS = 1
# How long somebody looks at an answer before asking on; people take longer.
READING_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One question's fate: seconds on the client's clock, the SQL, whether it was answered, and the HTTP status."""

    seconds: float
    status: int
    sql: str
    answered: bool


def main() -> None:
    options = _options()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as folder:
        shop = prepare_demo(Path(folder), today=SystemClock().now().date())
        with three_tiers(shop, Path(folder)) as tiers:
            asyncio.run(_measure(tiers, options))
        asyncio.run(_measure_memory(shop, options.questions))


@dataclass(frozen=True, kw_only=True, slots=True)
class Tiers:
    """The tables server, and two gateways over the same servers with different rules."""

    tables: Running
    fresh: Running
    coherent: Running


@contextlib.contextmanager
def three_tiers(shop: DemoShop, folder: Path) -> Iterator[Tiers]:
    with (
        running(["tables", "--url", str(shop.database)]) as tables,
        running(["glossary", "--file", str(shop.glossary)]) as glossary,
    ):
        gateways = []
        with contextlib.ExitStack() as stack:
            for rule in ("fresh", "coherent"):
                config = folder / f"{rule}.yaml"
                config.write_text(_configuration(tables.url, glossary.url, rule), encoding="utf-8")
                gateways.append(stack.enter_context(running(["serve", "--config", str(config)], health="/api/health/ready")))
            yield Tiers(tables=tables, fresh=gateways[0], coherent=gateways[1])


async def _measure(tiers: Tiers, options: argparse.Namespace) -> None:
    async with connected(tiers.fresh) as to_fresh, connected(tiers.coherent) as to_coherent:
        for _ in range(WARMING_ROUNDS):
            for gateway in (to_fresh, to_coherent):
                await ask_all(gateway, QUESTIONS)
        fresh: list[Reply] = []
        coherent: list[Reply] = []
        unheard: list[Reply] = []
        new = distinct_questions()
        for _ in range(options.rounds):
            # Turn about, so that whatever else the machine does falls on both alike.
            for question in QUESTIONS:
                fresh.append(await ask(to_fresh, question))
                coherent.append(await ask(to_coherent, question))
                unheard.append(await ask(to_coherent, next(new)))
        bare = await bare_seconds(tiers.tables, [reply.sql for reply in coherent if reply.answered])
        print_speed(fresh, coherent, unheard, bare)
    await _measure_users(tiers.coherent, options.users, new)


@contextlib.asynccontextmanager
async def connected(gateway: Running) -> AsyncIterator[Connection]:
    connection = await Connection.open(gateway.url)
    try:
        yield connection
    finally:
        await connection.close()


async def ask(gateway: Connection, question: str) -> Reply:
    begun = perf_counter()
    status, reply = await gateway.post("/api/chat", {"query": question, "engine": "engine"})
    seconds = perf_counter() - begun
    data = reply.get("data") or {}
    return Reply(seconds=seconds, status=status, sql=data.get("sql_query", ""), answered=bool(data.get("confident")))


async def ask_all(gateway: Connection, questions: Sequence[str]) -> list[Reply]:
    return [await ask(gateway, question) for question in questions]


async def bare_seconds(tables: Running, statements: Sequence[str]) -> list[float]:
    """The same SQL through the same tables server, called directly over MCP."""
    server = remote_server(
        MCPServerConfig(key="tables", name="Tables", priority=1, url=f"{tables.url}/mcp", capabilities=("execute_query",))
    )
    await server.connect()
    seconds = []
    for sql in statements:
        begun = perf_counter()
        await server.call_tool("execute_query", {"sql": sql, "max_rows": 1000})
        seconds.append(perf_counter() - begun)
    await server.close()
    return seconds


def print_speed(fresh: Sequence[Reply], coherent: Sequence[Reply], unheard: Sequence[Reply], bare: Sequence[float]) -> None:
    fresh_seconds, coherent_seconds = [reply.seconds for reply in fresh], [reply.seconds for reply in coherent]
    baseline = percentile(bare, 0.5)
    rows = [
        _speed_row("bare SQL, no pipeline", bare, baseline),
        _speed_row("question, resources: fresh", fresh_seconds, baseline),
        _speed_row("question, resources: coherent", coherent_seconds, baseline),
        _speed_row("the same, each question asked for the first time", [reply.seconds for reply in unheard], baseline),
    ]
    print_table(
        "Question to answer through both MCP servers over HTTP (milliseconds)", ("what", "n", "p50", "p95", "p50 / bare"), rows
    )
    faster = 1 - percentile(coherent_seconds, 0.5) / percentile(fresh_seconds, 0.5)
    answered = sum(reply.answered for reply in coherent) / len(coherent)
    failed = sum(reply.status != 200 for reply in (*fresh, *coherent, *unheard))
    print(f"coherent is {faster:.0%} faster than fresh at p50; {answered:.0%} answered, {failed} failed\n")


def _speed_row(what: str, seconds: Sequence[float], baseline: float) -> tuple[str, ...]:
    p50, p95 = percentile(seconds, 0.5), percentile(seconds, 0.95)
    return what, str(len(seconds)), f"{p50 * 1000:.1f}", f"{p95 * 1000:.1f}", f"{p50 / baseline:.1f}" if baseline else "-"


async def _measure_users(gateway: Running, users: int, new: Iterator[str]) -> None:
    """Users who read each answer for a second, and users who never pause; one user alone right before and right after.

    Without pauses the processors are the limit: on two of them ten users get at best five times one user's time. What was asked
    before is answered in a third of the time, so questions of which no two are alike are measured by themselves.
    """

    def again(number: int) -> Questions:
        first = number % len(QUESTIONS)
        return (*QUESTIONS[first:], *QUESTIONS[:first])

    def never_again(_: int) -> Questions:
        return tuple(islice(new, len(QUESTIONS)))

    # Whatever comes to help under load is there before anything is measured.
    await _many_users(gateway, users, never_again, rounds=1)
    rows = []
    for what, questions in (("the same questions", again), ("no two alike", never_again)):
        single = await _one_user(gateway, 0, questions, rounds=3)
        reading = await _many_users(gateway, users, questions, rounds=1, pause_seconds=READING_SECONDS)
        begun = perf_counter()
        rushing = await _many_users(gateway, users, questions, rounds=3)
        rate = len(rushing) / (perf_counter() - begun)
        single += await _one_user(gateway, 0, questions, rounds=3)
        rows += [
            _users_row(f"one user, {what}", single, single),
            _users_row(f"{users} users, {READING_SECONDS:g} s between questions", reading, single),
            _users_row(f"{users} users, no pause ({rate:.0f} answers a second)", rushing, single),
        ]
    print_table("Users at once (resources: coherent)", ("who", "p50, ms", "p95, ms", "p95 / one user", "failed"), rows)


def _users_row(who: str, replies: Sequence[Reply], single: Sequence[Reply]) -> tuple[str, ...]:
    seconds, alone = [reply.seconds for reply in replies], percentile([reply.seconds for reply in single], 0.95)
    p50, p95 = percentile(seconds, 0.5), percentile(seconds, 0.95)
    failed = sum(reply.status != 200 for reply in replies)
    return who, f"{p50 * 1000:.1f}", f"{p95 * 1000:.1f}", f"{p95 / alone:.1f}", str(failed)


async def _many_users(
    gateway: Running,
    users: int,
    questions: Callable[[int], Questions],
    *,
    rounds: int,
    pause_seconds: float = 0.0,
) -> list[Reply]:
    work = (_one_user(gateway, number, questions, rounds=rounds, pause_seconds=pause_seconds) for number in range(users))
    return [reply for replies in await asyncio.gather(*work) for reply in replies]


async def _one_user(
    gateway: Running,
    number: int,
    questions: Callable[[int], Questions],
    *,
    rounds: int,
    pause_seconds: float = 0.0,
) -> list[Reply]:
    """Asks the questions of this user's number, each user at another moment."""
    await asyncio.sleep(pause_seconds * number / 10)
    replies = []
    async with connected(gateway) as connection:
        for _ in range(rounds):
            for question in questions(number):
                replies.append(await ask(connection, question))
                await asyncio.sleep(pause_seconds)
    return replies


async def _measure_memory(shop: DemoShop, questions: int) -> None:
    command = ["serve", "--data", str(shop.database), "--glossary", str(shop.glossary)]
    with running(command, health="/api/health/ready") as everything:
        async with connected(everything) as connection:
            rows = [("at start", f"{everything.rss_megabytes():.0f}")]
            marks = {questions // 10, questions // 2, questions}
            for number in range(1, questions + 1):
                await ask(connection, QUESTIONS[number % len(QUESTIONS)])
                if number in marks:
                    rows.append((f"after {number} questions", f"{everything.rss_megabytes():.0f}"))
    print_table("Memory with everything in one process (resident, MB)", ("when", "MB"), rows)


def _configuration(tables: str, glossary: str, rule: str) -> str:
    return f"""\
mcp_servers:
  glossary:
    name: Glossary
    url: {glossary}/mcp
    priority: 1
    capabilities: [list_resources]
    transport: streamable_http
  tables:
    name: Tables
    url: {tables}/mcp
    priority: 10
    capabilities: [execute_query, find_values, list_resources]
    transport: streamable_http
orchestration:
  resources: {rule}
"""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="how often each question is asked by the single user")
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--questions", type=int, default=1000, help="questions asked of one process for the memory rows")
    return parser.parse_args()


if __name__ == "__main__":
    main()
