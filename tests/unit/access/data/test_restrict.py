"""What a restricted query looks like, what is left out of errors, and what is refused rather than guessed."""

from dataclasses import replace

import pytest
from sqlglot import exp

from mcp_gateway.access.data.conceal import conceal, concealed
from mcp_gateway.access.data.model import DataRights, RowLimit, TableRights
from mcp_gateway.access.data.printing import print_restricted
from mcp_gateway.access.data.restrict import restrict
from mcp_gateway.core.schema import Column, DatabaseSchema, Table
from mcp_gateway.core.sql.errors import QueryFailed, QueryRefused
from mcp_gateway.core.sql.read_only import check_read_only

REGION = Column(name="region", type="VARCHAR", kind="text")
ORDERS = TableRights(
    name="orders", columns=("id", "note", "region"), limits=(RowLimit(column=REGION, operator="=", values=("EU",)),), whole=False
)
CUSTOMERS = TableRights(name="customers", columns=("id", "name"), whole=False)
LINES = TableRights(name="sales.lines", columns=("id", "qty"))


def rights(dialect: str) -> DataRights:
    tables = {one.name: one for one in (ORDERS, CUSTOMERS, LINES)}
    schema = DatabaseSchema(
        dialect=dialect,
        tables=tuple(
            Table(name=one.name, columns=tuple(Column(name=name, type="VARCHAR", kind="text") for name in one.columns))
            for one in tables.values()
        ),
    )
    return DataRights(schema=schema, tables=tables, withheld=frozenset({"email", "salaries", "eu"}))


def run_as(sql: str, dialect: str = "duckdb") -> str:
    return print_restricted(restrict(check_read_only(sql, dialect), rights(dialect), dialect), dialect)


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("duckdb", """WHERE "t"."region" = 'EU' OFFSET 0) AS o"""),
        ("postgres", """WHERE "t"."region" = 'EU' OFFSET 0) AS o"""),
        ("sqlite", """WHERE "t"."region" = 'EU' LIMIT -1) AS o"""),
        ("mysql", """WHERE `t`.`region` = 'EU' LIMIT 18446744073709551615) AS o"""),
        ("tsql", """SELECT CASE WHEN [t].[region] = 'EU' THEN [t].[note] END AS [note] FROM [orders] AS t"""),
    ],
)
def test_a_filter_stands_behind_a_fence_or_blanks_every_column(dialect: str, expected: str) -> None:
    assert expected in run_as("SELECT o.note FROM orders AS o", dialect)


def test_a_derived_table_lists_only_what_the_query_may_read() -> None:
    assert run_as("SELECT note FROM orders") == (
        """SELECT note FROM (SELECT "t"."note" AS "note" FROM "orders" AS t WHERE "t"."region" = 'EU' OFFSET 0) AS orders"""
    )
    assert '"t"."id"' in run_as("SELECT COUNT(*) FROM orders")
    for sql in ("SELECT * FROM orders", "SELECT o FROM orders AS o", "SELECT #1 FROM orders", "SELECT o.a FROM orders AS o(a)"):
        assert '"t"."note"' in run_as(sql), sql


def test_a_whole_table_stays_a_table() -> None:
    assert (
        run_as("SELECT lines.qty, sales.lines.id FROM sales.lines") == 'SELECT lines.qty, lines.id FROM "sales"."lines" AS lines'
    )


def test_the_query_given_stays_as_it_is() -> None:
    tree = check_read_only("WITH a AS (SELECT * FROM orders) SELECT * FROM a", "duckdb")
    before = tree.sql(dialect="duckdb")
    restricted = restrict(tree, rights("duckdb"), "duckdb")
    assert tree.sql(dialect="duckdb") == before
    assert (restricted.altered, restricted.limited) == (True, True)
    plain = restrict(check_read_only("SELECT 1 FROM sales.lines", "duckdb"), rights("duckdb"), "duckdb")
    assert (plain.altered, plain.limited) == (False, False)


def test_names_of_with_never_meet_other_names() -> None:
    printed = run_as("WITH with_1 AS (SELECT id AS with_2 FROM customers) SELECT with_2 FROM with_1")
    assert "WITH with__1 AS" in printed


@pytest.mark.parametrize("sql", ["SELECT id FROM orders TABLESAMPLE BERNOULLI (10)", "SELECT id FROM ONLY salaries"])
def test_what_a_derived_table_cannot_do_is_refused(sql: str) -> None:
    with pytest.raises((QueryRefused, QueryFailed)):
        run_as(sql, "postgres")


def test_a_thousand_conditions_are_no_depth() -> None:
    many = " OR ".join(f"id = '{number}'" for number in range(1_000))
    assert run_as(f"SELECT note FROM orders WHERE {many}").count("OFFSET 0") == 1


def test_text_that_reads_another_table_than_was_put_there_never_runs() -> None:
    restricted = restrict(check_read_only("SELECT note FROM orders", "duckdb"), rights("duckdb"), "duckdb")
    for other in ("SELECT * FROM salaries", "SELECT note FROM orders", "SELECT * FROM (SELECT t.* FROM orders AS t) AS orders"):
        changed = check_read_only(other, "duckdb")
        with pytest.raises(QueryRefused, match="cannot be printed safely"):
            print_restricted(restricted, "duckdb", query=changed)
    limited = restricted.query.limit(5)
    assert isinstance(limited, exp.Query)
    assert print_restricted(restricted, "duckdb", query=limited).endswith("LIMIT 5")


def test_words_of_a_database_are_told_unless_they_tell_of_more() -> None:
    held = rights("duckdb")
    told = 'Referenced column "emial" not found'
    assert conceal(told, "SELECT emial FROM customers", held) == told
    for more in ('Candidate bindings: "email"', "no such table: main.salaries", "Could not convert string 'EU' to INT32"):
        assert conceal(more, "SELECT 1 FROM customers", held) == "The database cannot run this query."
    own = 'Referenced column "email" not found'
    assert conceal(own, "SELECT email FROM customers", held) == own
    failure = QueryFailed("salaries!", kind="unknown_column", name="email", position=7)
    hidden = concealed(failure, "SELECT 1", held)
    assert (hidden.kind, hidden.name, hidden.position) == ("unknown_column", None, None)
    blanks = replace(held, withheld=frozenset({"", "two words"}))
    assert conceal("Some TWO WORDS here", "SELECT 1", blanks) == "The database cannot run this query."
    assert conceal("Nothing", "SELECT 1", blanks) == "Nothing"
