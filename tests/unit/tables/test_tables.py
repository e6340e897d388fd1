"""One database offered read-only: queries within limits, the schema with what its rows say, and changes noticed."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_gateway.adapters.databases.open import open_database
from mcp_gateway.core.clock import FixedClock, SystemClock
from mcp_gateway.core.errors import InvalidInput, Json
from mcp_gateway.core.schema import ForeignKey
from mcp_gateway.core.schema_documents import DOCUMENT_URIS, from_documents
from mcp_gateway.core.sql.errors import QueryFailed, QueryRefused, QuerySyntaxError
from mcp_gateway.tables.errors import UnknownTable
from mcp_gateway.tables.model import Limits
from mcp_gateway.tables.read_schema import PROFILE_SECONDS
from mcp_gateway.tables.tables import Tables, TablesOptions

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    write(
        path,
        "CREATE TABLE customers (customer_id INTEGER, name TEXT, joined DATE)",
        "INSERT INTO customers VALUES (1, 'Ann', '2024-01-01'), (2, 'Bob', '2024-02-01'), (3, 'Cy', '2024-03-01')",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, amount REAL, status TEXT, code TEXT)",
        "INSERT INTO orders (customer_id, amount, status, code) VALUES "
        "(1, 5, 'open', 'x'), (1, 7.5, 'paid', 'y'), (2, 1, 'paid', 'z'), (3, NULL, 'paid', 'zz')",
        "CREATE VIEW paid AS SELECT * FROM orders WHERE status = 'paid'",
    )
    return path


def write(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture
async def tables(path: Path, clock: FixedClock) -> AsyncIterator[Tables]:
    tables = Tables(open_database(str(path)), clock)
    await tables.open()
    yield tables
    await tables.close()


async def test_a_query_answers_with_columns_rows_and_what_was_run(tables: Tables) -> None:
    result = await tables.execute_query("select id, amount -- note\nfrom orders order by id;")
    assert result.to_dict() == {
        "columns": [{"name": "id", "type": "INTEGER", "kind": "integer"}, {"name": "amount", "type": "REAL", "kind": "number"}],
        "rows": [[1, 5.0], [2, 7.5], [3, 1.0], [4, None]],
        "row_count": 4,
        "total_rows": 4,
        "truncated": False,
        "truncated_by": None,
        "duration_ms": 0.0,
        "executed_sql": "SELECT id, amount FROM orders ORDER BY id LIMIT 1001",
        "dialect": "sqlite",
    }


@pytest.mark.parametrize(
    ("sql", "total"),
    [
        ("SELECT id FROM orders ORDER BY id", 4),
        ("SELECT id FROM orders LIMIT 3", 3),
        ("SELECT DISTINCT status FROM orders UNION ALL SELECT name FROM customers", 5),
        ("WITH x AS (SELECT * FROM orders) SELECT id FROM x ORDER BY amount", 4),
        ("VALUES (1), (2), (3)", 3),
        ("SELECT id FROM orders LIMIT 100000", 4),
        ("SELECT id FROM orders LIMIT 1 + 2", 3),
    ],
)
async def test_a_cut_result_says_how_many_rows_there_are(tables: Tables, sql: str, total: int) -> None:
    result = await tables.execute_query(sql, max_rows=2)
    assert (len(result.rows), result.truncated_by, result.total_rows) == (2, "rows", total)


async def test_a_smaller_limit_of_the_query_stays(tables: Tables) -> None:
    result = await tables.execute_query("SELECT id FROM orders LIMIT 1", max_rows=2)
    assert (result.executed_sql, result.total_rows, result.truncated_by) == ("SELECT id FROM orders LIMIT 1", 1, None)


async def test_a_total_that_cannot_be_counted_is_unknown(tables: Tables) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    real = Tables(tables._database, SystemClock())
    result = await real.execute_query(endless, max_rows=2)
    assert (result.rows, result.total_rows) == (((1,), (2,)), None)


@pytest.mark.parametrize(
    ("field", "value"), [("max_rows", 0), ("max_rows", 100_001), ("timeout_seconds", 0), ("timeout_seconds", 301)]
)
async def test_limits_out_of_range_are_named(tables: Tables, field: str, value: int) -> None:
    rows, seconds = (value, None) if field == "max_rows" else (None, value)
    with pytest.raises(InvalidInput) as refused:
        await tables.execute_query("SELECT 1", max_rows=rows, timeout_seconds=seconds)
    assert refused.value.to_dict()["data"] == {"field": field}


async def test_what_is_not_a_query_is_refused_before_the_database_sees_it(tables: Tables) -> None:
    for refused in ("DELETE FROM orders", "SELECT 1; DELETE FROM orders", "PRAGMA query_only = OFF"):
        with pytest.raises(QueryRefused):
            await tables.execute_query(refused)
        with pytest.raises(QueryRefused):
            await tables.explain_query(refused)
    with pytest.raises(QuerySyntaxError):
        await tables.execute_query("SELECT FROM FROM")
    with pytest.raises(QueryFailed):
        await tables.execute_query("SELECT nothing FROM orders")


async def test_an_explained_query_names_what_it_reads(tables: Tables) -> None:
    explained = await tables.explain_query(
        "WITH x AS (SELECT customer_id FROM orders o WHERE o.amount > 1) "
        "SELECT c.name FROM x JOIN customers c USING (customer_id)"
    )
    assert explained.tables == ("customers", "orders")
    assert {"customers.name", "orders.amount", "customer_id"} <= set(explained.columns)
    assert "orders" in explained.plan or "SCAN o" in explained.plan


async def test_the_schema_tells_what_the_rows_say(tables: Tables) -> None:
    schema = await tables.read_schema()
    orders = schema.table("ORDERS")
    assert orders is not None
    status, amount = orders.column("status"), orders.column("amount")
    assert status is not None
    assert amount is not None
    assert (status.samples, status.distinct_count) == (("paid", "open"), 2)
    assert (amount.minimum, amount.maximum, amount.distinct_count) == (1.0, 7.5, 3)
    assert orders.row_count == 4
    paid = schema.table("paid")
    assert paid is not None
    assert (paid.is_view, paid.row_count) == (True, 3)


async def test_undeclared_keys_are_inferred_from_names_types_and_values(tables: Tables) -> None:
    schema = await tables.read_schema()
    customers, orders = schema.table("customers"), schema.table("orders")
    assert customers is not None
    assert orders is not None
    assert customers.primary_key == ("customer_id",)
    assert orders.foreign_keys == (
        ForeignKey(columns=("customer_id",), target_table="customers", target_columns=("customer_id",), inferred=True),
    )


async def test_values_outside_the_other_table_are_no_key(path: Path, tables: Tables) -> None:
    write(path, "UPDATE orders SET customer_id = 77 WHERE id = 4")
    orders = (await tables.read_schema()).table("orders")
    assert orders is not None
    assert orders.foreign_keys == ()


async def test_documents_are_the_schema_and_say_how_long_they_hold(tables: Tables) -> None:
    documents = await tables.schema_documents()
    assert tuple(documents) == DOCUMENT_URIS
    assert {document.ttl_seconds for document in documents.values()} == {TablesOptions().vouched_seconds}
    assert from_documents({uri: dict(document.content) for uri, document in documents.items()}) == await tables.read_schema()
    again = await tables.schema_documents()
    assert all(again[uri].content is documents[uri].content for uri in documents)


async def test_a_change_of_structure_is_seen_at_the_next_reading(path: Path, tables: Tables) -> None:
    before = await tables.read_schema()
    write(path, "ALTER TABLE orders ADD COLUMN note TEXT")
    after = await tables.read_schema()
    assert after.version != before.version
    orders = after.table("orders")
    assert orders is not None
    assert orders.column("note") is not None


async def test_changed_rows_keep_the_version_and_renew_the_samples_in_time(path: Path, tables: Tables, clock: FixedClock) -> None:
    before = await tables.read_schema()
    write(path, "INSERT INTO customers VALUES (4, 'Di', '2024-04-01')")
    assert await tables.read_schema() is before
    clock.advance(PROFILE_SECONDS)
    after = await tables.read_schema()
    customers = after.table("customers")
    assert customers is not None
    assert (after.version, customers.row_count) == (before.version, 4)


async def test_a_replaced_file_is_read_anew(path: Path, tables: Tables) -> None:
    await tables.read_schema()
    other = path.with_name("other.sqlite")
    write(other, "CREATE TABLE planets (name TEXT)", "INSERT INTO planets VALUES ('Mars')")
    other.replace(path)
    assert [table.name for table in (await tables.read_schema()).tables] == ["planets"]
    assert (await tables.execute_query("SELECT name FROM planets")).rows == (("Mars",),)


async def test_tables_are_listed_and_described(tables: Tables) -> None:
    listed = await tables.list_tables()
    assert listed["tables"] == [
        {"name": "customers", "comment": None, "row_count": 3, "column_count": 3, "is_view": False},
        {"name": "orders", "comment": None, "row_count": 4, "column_count": 5, "is_view": False},
        {"name": "paid", "comment": None, "row_count": 3, "column_count": 5, "is_view": True},
    ]
    assert (await tables.describe_table("Customers"))["name"] == "customers"
    with pytest.raises(UnknownTable):
        await tables.describe_table("nowhere")


async def test_the_profile_stops_where_its_time_ends(path: Path) -> None:
    tables = Tables(open_database(str(path)), SystemClock(), TablesOptions(profile_seconds=0))
    schema = await tables.read_schema()
    await tables.close()
    assert [table.name for table in schema.tables] == ["customers", "orders", "paid"]
    assert all(column.samples == () for table in schema.tables for column in table.columns)


async def test_odd_files_are_read_as_far_as_they_can_be(tmp_path: Path, clock: FixedClock) -> None:
    path = tmp_path / "odd.db"
    write(
        path,
        'CREATE TABLE "order details" ("unit price" REAL, "select" TEXT, "a""b" TEXT, untyped)',
        "CREATE TABLE empty (id INTEGER, name TEXT)",
        "CREATE TABLE phones (id INT, phone INT, year TEXT, picture BLOB)",
        "CREATE TABLE gone (id INTEGER)",
        "CREATE VIEW broken AS SELECT * FROM gone",
        "DROP TABLE gone",
        "INSERT INTO 'order details' VALUES (1.5, CAST(x'4DFC6C6C6572' AS TEXT), 'x', 'text')",
        "INSERT INTO 'order details' VALUES ('n/a', 'plain', NULL, 'other')",
        "INSERT INTO phones VALUES (1, '+49 30 1', '2024', x'00FF'), (2, '+49 30 2', '', NULL)",
    )
    tables = Tables(open_database(str(path)), clock)
    schema = await tables.read_schema()
    assert [table.name for table in schema.tables] == ["empty", "order details", "phones"]
    details, phones = schema.tables[1], schema.tables[2]
    assert [(column.name, column.kind) for column in details.columns] == [
        ("unit price", "number"), ("select", "text"), ('a"b', "text"), ("untyped", "text"),
    ]  # fmt: skip
    assert [column.kind for column in phones.columns] == ["integer", "text", "text", "binary"]
    result = await tables.execute_query('SELECT "select", "a""b" FROM "order details" ORDER BY rowid')
    assert result.rows == (("Müller", "x"), ("plain", None))
    assert [match.value for match in (await tables.find_values("who is Müller")).matches] == ["Müller"]
    assert [match.value for match in (await tables.find_values("+49 30 2")).matches][:1] == ["+49 30 2"]
    await tables.close()


async def test_a_caller_may_ask_for_more_than_the_usual_limits(path: Path, clock: FixedClock) -> None:
    tables = Tables(open_database(str(path)), clock, TablesOptions(limits=Limits(max_rows=1)))
    assert len((await tables.execute_query("SELECT * FROM orders")).rows) == 1
    assert len((await tables.execute_query("SELECT * FROM orders", max_rows=3)).rows) == 3
    await tables.close()


async def test_one_odd_column_does_not_hide_the_database(tmp_path: Path, clock: FixedClock) -> None:
    path = tmp_path / "odd.sqlite"
    long_type = "T" * 2_000
    write(
        path,
        f'CREATE TABLE odd (id INTEGER, "" TEXT, "{"n" * 600}" TEXT, wide {long_type})',
        f"CREATE TABLE {'t' * 600} (id INTEGER)",
        'CREATE TABLE nameless ("" TEXT)',
        "INSERT INTO odd VALUES (1, 'x', 'y', 'z')",
    )
    tables = Tables(open_database(str(path)), clock)
    await tables.open()
    documents: dict[str, Json] = {uri: dict(doc.content) for uri, doc in (await tables.schema_documents()).items()}
    (odd,) = from_documents(documents).tables
    assert [column.name for column in odd.columns] == ["id", "wide"]
    assert (await tables.execute_query("SELECT id FROM odd")).rows == ((1,),)
    await tables.close()


async def test_a_table_of_five_hundred_columns_is_profiled_whole(tmp_path: Path) -> None:
    path = tmp_path / "wide.sqlite"
    names = [f"c{place}" for place in range(500)]
    write(
        path,
        f"CREATE TABLE wide ({', '.join(f'{name} INTEGER' for name in names)})",
        f"INSERT INTO wide VALUES ({', '.join(map(str, range(500)))})",
    )
    tables = Tables(open_database(str(path)), SystemClock(), TablesOptions(profile_seconds=60))
    (wide,) = (await tables.read_schema()).tables
    assert [column.minimum for column in wide.columns] == list(range(500))
    assert all(column.samples for column in wide.columns)
    await tables.close()
