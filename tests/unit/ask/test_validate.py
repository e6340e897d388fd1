"""What may run, what may not, and what a wrong name is answered with; in every dialect, whatever it is fed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.depth import examples

from mcp_gateway.ask.names import names_of
from mcp_gateway.ask.recovery.patient import Patient
from mcp_gateway.ask.recovery.repairs import propose
from mcp_gateway.ask.recovery.tokens import parse
from mcp_gateway.ask.validate import Verdict, check_query, counting
from mcp_gateway.core.schema import Column, DatabaseSchema, ForeignKey, Table
from mcp_gateway.core.sql.errors import QueryRefused
from mcp_gateway.core.vocabulary import Metric, Term, Vocabulary

DIALECTS = ("duckdb", "sqlite", "postgres", "mysql")


def text(name: str) -> Column:
    return Column(name=name, type="TEXT", kind="text")


def number(name: str) -> Column:
    return Column(name=name, type="INTEGER", kind="integer", minimum=1, maximum=99)


def schema(dialect: str = "duckdb") -> DatabaseSchema:
    customers = Table(name="customers", columns=(number("id"), text("name"), text("country")), primary_key=("id",))
    to_customers = ForeignKey(columns=("customer_id",), target_table="customers", target_columns=("id",))
    day = Column(name="day", type="DATE", kind="date", minimum="2026-01-01", maximum="2026-11-21")
    orders = Table(
        name="orders", columns=(number("id"), number("customer_id"), number("amount"), day), foreign_keys=(to_customers,)
    )
    return DatabaseSchema(dialect=dialect, tables=(customers, orders, Table(name="sales.lines", columns=(number("line"),))))


def check(sql: str, dialect: str = "duckdb", vocabulary: Vocabulary | None = None, *, typed: bool = False) -> Verdict:
    return check_query(sql, names_of(schema(dialect), vocabulary or Vocabulary()), max_rows=100, typed=typed)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(*) FROM customers",
        "SELECT c.name, SUM(o.amount) AS t FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.name ORDER BY t",
        "WITH best AS (SELECT customer_id, SUM(amount) AS total FROM orders GROUP BY customer_id) SELECT total FROM best LIMIT 1",
        "SELECT name FROM customers WHERE id IN (SELECT customer_id FROM orders WHERE orders.customer_id = customers.id) LIMIT 5",
        "SELECT name FROM customers UNION SELECT country FROM customers ORDER BY name LIMIT 3",
        "SELECT x.n FROM (SELECT name AS n FROM customers) AS x LIMIT 3",
        "SELECT NAME FROM Customers WHERE COUNTRY = 'x' LIMIT 1",
        "SELECT country, COUNT(*) FROM customers GROUP BY country HAVING COUNT(*) > 1",
        "SELECT id FROM customers JOIN orders USING (id) LIMIT 1",
        "SELECT a.name FROM customers a JOIN customers b ON a.id = b.id LIMIT 2",
        "SELECT line FROM sales.lines LIMIT 1",
        "SELECT line FROM lines LIMIT 1",
        "SELECT name, ROW_NUMBER() OVER (PARTITION BY country ORDER BY id) AS place FROM customers LIMIT 2",
    ],
)
def test_right_queries_pass_unchanged_in_every_dialect(sql: str, dialect: str) -> None:
    verdict = check(sql, dialect)
    assert verdict.fault is None
    assert verdict.query is not None
    assert verdict.query.sql == sql


@pytest.mark.parametrize(
    ("sql", "kind", "suggestion"),
    [
        ("SELECT * FROM custmers", "unknown_table", "customers"),
        ("SELECT nme FROM customers", "unknown_column", "name"),
        ("SELECT c.nme FROM customers AS c", "unknown_column", "name"),
        ("SELECT x.name FROM customers AS c", "unknown_alias", ""),
        ("SELECT id FROM customers JOIN orders ON orders.customer_id = customers.id", "ambiguous_column", "customers.id"),
        ("SELECT name FROM customers WHERE COUNT(*) > 1", "misplaced_aggregate", ""),
        ("SELECT country, COUNT(*) FROM customers", "not_grouped", ""),
        ("SELECT name FROM customers, orders", "missing_join", ""),
        ("SELECT name FROM customers WHERE id = 'many'", "type_mismatch", ""),
        ("SELECT id FROM orders WHERE day > '1/2/2026'", "type_mismatch", ""),
        ("SELECT (SELECT nme FROM customers LIMIT 1)", "unknown_column", "name"),
        ("WITH a AS (SELECT name FROM customers) SELECT nam FROM a", "unknown_column", "a.name"),
        ("SELECT name FROM customers WHERE (", "syntax", ""),
        ("SELECT frobnicate(name) FROM customers", "unknown_function", ""),
    ],
)
def test_what_is_wrong_is_named_with_the_nearest_right(sql: str, kind: str, suggestion: str) -> None:
    fault = check(sql).fault
    assert fault is not None
    assert fault.kind == kind
    assert not suggestion or suggestion.rpartition(".")[2] in {one.rpartition(".")[2] for one in fault.suggestions}
    assert fault.message


def test_business_words_lead_to_their_column() -> None:
    words = Vocabulary(
        terms=(Term(aliases=("homeland",), table="customers", column="country"),),
        metrics=(Metric(name="revenue", aliases=("takings",), table="orders", expression={"default": "SUM(orders.amount)"}),),
    )
    for sql, column in (("SELECT homeland FROM customers", "country"), ("SELECT SUM(takings) FROM orders", "amount")):
        fault = check(sql, vocabulary=words).fault
        assert fault is not None
        assert fault.suggestions[0] == column


@pytest.mark.parametrize(
    ("sql", "limit"),
    [
        ("SELECT name FROM customers", 100),
        ("SELECT name FROM customers UNION SELECT country FROM customers", 100),
        ("SELECT name FROM customers LIMIT 5", None),
        ("SELECT COUNT(*) FROM customers", None),
        ("SELECT country, COUNT(*) FROM customers GROUP BY country", None),
        ("SELECT name, SUM(id) OVER () FROM customers", 100),
        ("SELECT 1", None),
    ],
)
def test_listings_get_a_limit_and_totals_do_not(sql: str, limit: int | None) -> None:
    query = check(sql).query
    assert query is not None
    assert query.limit_added == limit
    assert ("LIMIT 100" in query.sql) == (limit is not None)


def test_typed_tables_side_by_side_are_warned_of() -> None:
    verdict = check("SELECT name FROM customers, orders LIMIT 1", typed=True)
    assert verdict.query is not None
    assert "every row is paired" in verdict.query.warnings[0]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "sql", ["DELETE FROM orders", "SELECT 1; SELECT 2", "CREATE TABLE x AS SELECT 1", "INSERT INTO orders VALUES (1)"]
)
def test_more_than_reading_is_refused_in_every_dialect(sql: str, dialect: str) -> None:
    with pytest.raises(QueryRefused):
        check(sql, dialect)


def test_text_in_double_quotes_is_left_to_sqlite() -> None:
    assert check('SELECT name FROM customers WHERE country = "Spain" LIMIT 1', "sqlite").fault is None


PIECES = st.sampled_from(
    "SELECT FROM WHERE GROUP BY ORDER HAVING LIMIT JOIN ON AND OR NOT IN ( ) , . * = < > 'x' \" ' 1 2.5 name customers orders id "
    "amount c o AS UNION WITH COUNT SUM OVER CASE WHEN THEN END NULL IS EXISTS nme FORM ; -- /* */ BETWEEN LIKE DISTINCT day "
    "x.y :: []".split()
)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=25), st.sampled_from(DIALECTS))
def test_no_text_breaks_the_check_or_the_repairs(pieces: list[str], dialect: str) -> None:
    sql = f"SELECT {' '.join(pieces)}"
    names = names_of(schema(dialect), Vocabulary())
    try:
        verdict = check_query(sql, names, max_rows=100, typed=True)
    except QueryRefused:
        return
    assert (verdict.query is None) != (verdict.fault is None)
    if verdict.fault is not None:
        patient = Patient(sql=sql, fault=verdict.fault, names=names, tree=parse(sql, dialect))
        for number_tried, proposal in enumerate(propose(patient)):
            assert proposal.sql
            assert proposal.repair
            if number_tried == 5:
                break


@pytest.mark.parametrize(
    ("sql", "is_summary"),
    [
        ("SELECT country, COUNT(*) FROM customers GROUP BY country", True),
        ("SELECT SUM(amount) FROM orders", True),
        ("SELECT name FROM customers ORDER BY name LIMIT 3", True),
        ("SELECT name FROM customers LIMIT 3", False),
        ("SELECT name FROM customers", False),
    ],
)
def test_totals_and_rankings_are_told_from_listings(sql: str, *, is_summary: bool) -> None:
    query = check(sql).query
    assert query is not None
    assert query.is_summary is is_summary


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("sql", "counted"),
    [
        ("SELECT name FROM customers ORDER BY name", "SELECT COUNT(*) FROM (SELECT name FROM customers) AS listing"),
        (
            "SELECT name FROM customers UNION SELECT country FROM customers",
            "SELECT COUNT(*) FROM (SELECT name FROM customers UNION SELECT country FROM customers) AS listing",
        ),
    ],
)
def test_all_rows_of_a_limited_listing_are_counted_without_limit_and_order(sql: str, counted: str, dialect: str) -> None:
    query = check(sql, dialect).query
    assert query is not None
    assert query.limit_added == 100
    assert counting(query, dialect) == counted
