"""A small world on three databases, and beside each the same with only what one caller may see: what is withheld is not in it.

Everything withheld is marked, so that a test can look for it in whatever comes back.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
from sqlalchemy import create_engine, text

from mcp_gateway.access.data.model import DataRights
from mcp_gateway.access.data.rights import PolicyRights
from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.model import ACTIONS, CallerValue, Policy, RowFilter, Rule
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.tables.tables import Tables
from mcp_gateway.wiring.data import open_tables

# Stands in every withheld value, or in a part of its number.
MARKS = ("canary", "7777", "dora")

POLICY = build_policy(
    Statements(
        rules=(
            Rule(id="no-pay", effect="deny", actions=frozenset(ACTIONS), tables=("salaries", "pay_view", "hr.*")),
            Rule(id="no-mail", effect="deny", actions=frozenset(ACTIONS), columns=("customers.email",)),
        ),
        row_filters=(
            RowFilter(id="own-region", tables=("orders",), column="region", operator="=", value=CallerValue(attribute="region")),
        ),
    )
)
EUROPEAN = Caller(tenant="acme", subject="eva", roles=frozenset({"analyst"}), attributes={"region": "EU"})

_CUSTOMERS = "CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(50), country VARCHAR(50), {email} manager_id INTEGER)"
_ORDERS = (
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, region VARCHAR(10), amount INTEGER, note VARCHAR(50))"
)
_PEOPLE = ((1, "Anna", "Austria", "NULL"), (2, "Ben", "Belgium", "1"), (3, "Cleo", "Canada", "1"))
_SEEN_ORDERS = ((1, 1, "EU", 10, "1"), (2, 2, "EU", 20, "2"), (4, 1, "EU", 30, "0"), (7, 3, "EU", 40, "3"))
_HIDDEN_ORDERS = ((3, 2, "'US'", 777701, "canary-a"), (5, 3, "'US'", 777702, "canary-b"), (6, 1, "NULL", 777703, "canary-c"))


def statements(dialect: str, *, everything: bool) -> Iterator[str]:
    """The SQL that makes the world, with or without what is withheld."""
    yield _CUSTOMERS.format(email="email VARCHAR(50)," if everything else "")
    for number, name, country, manager in _PEOPLE:
        email = f"'canary-{number}@mail'," if everything else ""
        yield f"INSERT INTO customers VALUES ({number}, '{name}', '{country}', {email} {manager})"
    yield _ORDERS
    for number, customer, region, amount, note in _SEEN_ORDERS:
        yield f"INSERT INTO orders VALUES ({number}, {customer}, '{region}', {amount}, '{note}')"
    for number, customer, region, amount, note in _HIDDEN_ORDERS if everything else ():
        yield f"INSERT INTO orders VALUES ({number}, {customer}, {region}, {amount}, '{note}')"
    yield 'CREATE TABLE "Staff Notes" (id INTEGER, "Text" VARCHAR(50))'
    yield "INSERT INTO \"Staff Notes\" VALUES (1, 'Water the plants'), (2, 'Feed the cat')"
    if everything:
        yield "CREATE TABLE salaries (id INTEGER PRIMARY KEY, customer_id INTEGER, pay INTEGER)"
        yield "INSERT INTO salaries VALUES (1, 1, 777704), (2, 2, 777705)"
        yield "CREATE INDEX salaries_pay ON salaries (pay)"
        yield "CREATE VIEW pay_view AS SELECT pay FROM salaries"
    if dialect in ("sqlite", "mysql"):
        return
    yield "CREATE SCHEMA sales"
    yield "CREATE TABLE sales.lines (id INTEGER, qty INTEGER)"
    yield "INSERT INTO sales.lines VALUES (1, 5), (2, 6)"
    if everything:
        yield "CREATE SCHEMA hr"
        yield "CREATE TABLE hr.people (id INTEGER, name VARCHAR(50))"
        yield "INSERT INTO hr.people VALUES (1, 'Dora')"


@dataclass(frozen=True, kw_only=True, slots=True)
class TwoWorlds:
    """`whole` is read under `rights`; `permitted` holds nothing else than what they allow."""

    dialect: str
    whole: Tables
    permitted: Tables
    rights: DataRights | None


def rights_under(policy: Policy, caller: Caller = EUROPEAN) -> Callable[[Tables], "asyncio.Future[DataRights | None]"]:
    """What the policy gives the caller of a database."""
    known = PolicyRights(lambda: policy)

    async def find(tables: Tables) -> DataRights | None:
        return known.rights(caller, "run_query", await tables.read_schema(), server="tables")

    return lambda tables: asyncio.ensure_future(find(tables))


@asynccontextmanager
async def open_worlds(dialect: str, whole: str, permitted: str) -> AsyncIterator[TwoWorlds]:
    """Over two URLs at which the world has been made."""
    clock = SystemClock()
    async with open_tables(whole, clock=clock) as first, open_tables(permitted, clock=clock) as second:
        rights = await rights_under(POLICY)(first)
        assert rights is not None
        yield TwoWorlds(dialect=dialect, whole=first, permitted=second, rights=rights)


def make_world(dialect: str, url: str, *, everything: bool) -> str:
    """Make it at a path (DuckDB, SQLite) or URL of an empty database (Postgres, MariaDB); its URL for `open_tables`."""
    told = statements(dialect, everything=everything)
    match dialect:
        case "duckdb":
            with duckdb.connect(url) as connection:
                for statement in told:
                    connection.execute(statement)
        case "sqlite":
            database = sqlite3.connect(url)
            database.executescript("; ".join(told))
            database.close()
        case _:
            driver = url.replace("postgresql://", "postgresql+psycopg://").replace("mariadb://", "mysql+pymysql://")
            engine = create_engine(driver)
            with engine.begin() as session:
                for statement in told:
                    session.execute(text(quoted_for(dialect, statement)))
            engine.dispose()
    return url


def quoted_for(dialect: str, sql: str) -> str:
    """MySQL has backticks where the others have quotation marks."""
    return sql.replace('"', "`") if dialect == "mysql" else sql


def world_at(folder: Path, dialect: str) -> tuple[str, str]:
    """Both worlds of a database that is a file."""
    for name in ("world", "permitted"):
        (folder / name).mkdir(exist_ok=True)
    urls = [str(folder / name / f"world.{dialect}") for name in ("world", "permitted")]
    return make_world(dialect, urls[0], everything=True), make_world(dialect, urls[1], everything=False)
