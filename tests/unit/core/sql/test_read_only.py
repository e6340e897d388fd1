"""The guard against lists of statements: what must be refused, what must pass."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from mcp_gateway.core.sql.allowed import ALLOWED_NODES
from mcp_gateway.core.sql.errors import QueryRefused, QuerySyntaxError
from mcp_gateway.core.sql.read_only import check_read_only, print_checked

HERE = Path(__file__).parent
DIALECTS = ("duckdb", "sqlite", "postgres", "mysql")


def statements(file: str) -> Iterator[tuple[str, str]]:
    """Pairs of dialect and statement; a section for "all" stands for each dialect."""
    dialects: tuple[str, ...] = ()
    for line in (HERE / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("-- dialect:"):
            name = line.removeprefix("-- dialect:").strip()
            dialects = DIALECTS if name == "all" else tuple(name.split())
        elif line.strip() and not line.startswith("-- "):
            for dialect in dialects:
                yield dialect, line.replace("\\n", "\n").replace("\\0", "\0")


@pytest.mark.parametrize(("dialect", "sql"), list(statements("hostile.sql")))
def test_a_hostile_statement_is_refused(dialect: str, sql: str) -> None:
    with pytest.raises((QueryRefused, QuerySyntaxError)):
        check_read_only(sql, dialect)


@pytest.mark.parametrize(("dialect", "sql"), list(statements("honest.sql")))
def test_an_honest_query_passes_and_prints_as_the_same_tree(dialect: str, sql: str) -> None:
    query = check_read_only(sql, dialect)
    again = check_read_only(print_checked(query, dialect), dialect)
    assert print_checked(again, dialect) == print_checked(query, dialect)


def test_the_lists_are_long_enough_to_mean_something() -> None:
    assert len({sql for _, sql in statements("hostile.sql")}) >= 120
    assert len({sql for _, sql in statements("honest.sql")}) >= 100


@pytest.mark.parametrize(
    ("dialect", "sql", "reason"),
    [
        ("duckdb", "DELETE FROM t", "write"),
        ("duckdb", "SELECT 1; SELECT 2", "many_statements"),
        ("duckdb", "", "empty"),
        ("duckdb", " ;; ", "empty"),
        ("duckdb", "-- only a comment", "empty"),
        ("duckdb", "SELECT * FROM read_csv('x')", "file"),
        ("duckdb", "SELECT * FROM 'x.parquet'", "file"),
        ("duckdb", "SELECT getenv('HOME')", "settings"),
        ("duckdb", "SELECT 1\x00", "control_characters"),
        ("postgres", "SELECT * FROM t FOR UPDATE", "lock"),
        ("postgres", "SELECT pg_sleep(1)", "sleep"),
        ("postgres", "SELECT * FROM dblink('x', 'y') AS t(a INT)", "network"),
        ("postgres", "SELECT * FROM pg_shadow", "system_table"),
        ("postgres", "SELECT nextval('s')", "side_effect"),
        ("postgres", "SELECT query_to_xml('x', TRUE, TRUE, '')", "code"),
        ("postgres", "SELECT pg_terminate_backend(1)", "admin"),
        ("postgres", "SELECT $1", "parameter"),
        ("mysql", "SELECT /*! sleep(1) */ 1", "comment"),
        ("sqlite", "SELECT * FROM lower('x')", "table_function"),
        ("sqlite", "PRAGMA query_only = OFF", "settings"),
    ],
)
def test_a_refusal_names_the_nearest_reason(dialect: str, sql: str, reason: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        check_read_only(sql, dialect)
    assert refused.value.to_dict()["data"] == {
        "reason": reason, "name": refused.value.name, "nearest": list(refused.value.nearest),
    }  # fmt: skip


def test_a_misspelt_function_is_answered_with_the_nearest_ones() -> None:
    with pytest.raises(QueryRefused) as refused:
        check_read_only("SELECT dammerau_levenshtein(a, b) FROM t", "duckdb")
    assert refused.value.nearest == ("damerau_levenshtein",)


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("postgres", 'SELECT "user", t.user, t.current_role FROM t'),
        ("duckdb", "SELECT user, t.current_schema FROM t"),
        ("sqlite", "SELECT user, current_role FROM t"),
        ("mysql", "SELECT user, role, t.current_role FROM t"),
    ],
)
def test_a_column_may_be_called_user(dialect: str, sql: str) -> None:
    check_read_only(print_checked(check_read_only(sql, dialect), dialect), dialect)


def test_a_bare_word_of_the_server_is_refused_with_the_way_to_a_column_of_that_name() -> None:
    with pytest.raises(QueryRefused) as refused:
        check_read_only("SELECT user FROM t", "postgres")
    assert refused.value.reason == "settings"
    assert "its table in front" in refused.value.hint


def test_a_syntax_error_says_where() -> None:
    with pytest.raises(QuerySyntaxError) as failed:
        check_read_only("SELECT *\nFORM sales", "duckdb")
    sql = "SELECT *\nFORM sales"
    position = failed.value.position
    assert position is not None
    assert sql[position:].startswith(("FORM", "sales"))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
        "SELECT " + "NOT " * 5_000 + "TRUE",
        "SELECT " + "- " * 5_000 + "1",
        "SELECT " + "CASE WHEN TRUE THEN " * 2_000 + "1" + " END" * 2_000,
        "SELECT " + "[" * 5_000,
        "SELECT * FROM " + "(SELECT * FROM " * 1_000 + "t" + ")" * 1_000,
        "SELECT " + "f(" * 5_000 + "1" + ")" * 5_000,
        "SELECT 1" + " UNION SELECT 1" * 15_000,
        "SELECT " + ", ".join(["a"] * 60_000),
        "SELECT 1" + " + 1" * 9_000,
        "SELECT 'a'" + " || 'a'" * 9_000,
        "SELECT 1 WHERE 1 = 1" + " AND 1 = 1" * 4_500,
        "SELECT x" + ".x" * 20_000,
        "SELECT 1" + "::INT" * 6_000,
        "SELECT '" + "x" * 200_000 + "'",
        "SELECT '" + "x" * 1_000,
        "SELECT /* " + "x" * 1_000,
        "SELECT INTERVAL " * 3_000,
        "SELECT a" + " COLLATE x" * 9_000,
        "SELECT " + "ARRAY[" * 50 + "1" + "]" * 50,
        "SELECT " + "DATE(" * 50 + "1" + ")" * 50,
        "SELECT " + "DECIMAL(" * 50 + "1" + ")" * 50,
        "SELECT x" + "[0]" * 400,
        "SELECT x" + " ->> 'a'" * 3_000,
        "SELECT x" + " BETWEEN 1 AND 2" * 400,
        "SELECT x" + " IN (1)" * 400,
        "SELECT x" + " % 2" * 4_000,
        "SELECT x" + " ESCAPE 'b'" * 400,
        "SELECT x" + " AT TIME ZONE 'x'" * 400,
        "SELECT x" + " % 2" * 100,
        "SELECT x" + "::INT" * 100,
        "SELECT x" + ".a" * 100,
        "SELECT * FROM " + "t JOIN " * 2_000 + "t" + " ON 1" * 2_000,
        "SELECT * FROM t" + " JOIN t" * 100,
        "SELECT * FROM t" + " STRAIGHT_JOIN t" * 100,
        "SELECT * FROM t" + " LEFT JOIN t" * 100 + " USING (a)",
        "SELECT * FROM t" + " JOIN (SELECT DISTINCT ON (a) a FROM t) AS x" * 100,
        "SELECT * FROM " + "(SELECT * FROM t JOIN t JOIN " * 40 + "t" + ")" * 40,
        "WITH " + ", ".join(f"c{place} AS (SELECT 1)" for place in range(2_000)) + " SELECT 1",
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_bomb_is_taken_apart_or_refused_without_harm(dialect: str, sql: str) -> None:
    with contextlib.suppress(QueryRefused, QuerySyntaxError):
        assert print_checked(check_read_only(sql, dialect), dialect)


def test_comments_do_not_reach_the_database() -> None:
    query = check_read_only("SELECT 1 -- DROP TABLE x\n/* and this */ FROM t # not a comment here\n", "mysql")
    assert print_checked(query, "mysql") == "SELECT 1 FROM t"


def test_a_string_that_looks_like_sql_stays_a_string() -> None:
    query = check_read_only("SELECT '; DROP TABLE t; --' AS a, 'it''s' AS b", "postgres")
    texts = [literal.name for literal in sqlglot.parse_one(print_checked(query, "postgres")).find_all(exp.Literal)]
    assert texts == ["; DROP TABLE t; --", "it's"]


def test_nothing_that_changes_runs_or_reaches_out_is_among_the_allowed_nodes() -> None:
    never = (
        exp.DDL, exp.DML, exp.Command, exp.Pragma, exp.Set, exp.Into, exp.Lock, exp.ReadCSV, exp.ReadParquet, exp.Anonymous,
        exp.Parameter, exp.Placeholder, exp.SessionParameter, exp.Hint, exp.NextValueFor, exp.ToFile, exp.Copy, exp.Attach,
    )  # fmt: skip
    assert not [node for node in ALLOWED_NODES if issubclass(node, never) and not issubclass(node, exp.Query)]


@pytest.mark.parametrize(
    ("sql", "printed"),
    [
        ("SELECT a REGEXP '^x' FROM t", "SELECT a REGEXP '^x' FROM t"),
        ("SELECT NOT a RLIKE 'x' FROM t", "SELECT NOT a REGEXP 'x' FROM t"),
        ("SELECT REGEXP_LIKE(a, 'x', 'i') FROM t", "SELECT REGEXP_LIKE(a, 'x', 'i') FROM t"),
        ("SELECT a ->> '$.b' FROM t", "SELECT JSON_UNQUOTE(JSON_EXTRACT(a, '$.b')) FROM t"),
    ],
)
def test_mysql_is_printed_so_that_mariadb_understands_it(sql: str, printed: str) -> None:
    assert print_checked(check_read_only(sql, "mysql"), "mysql") == printed


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_quoted_name_never_becomes_bare_text(dialect: str) -> None:
    """A name with SQL in it in place of each word of each honest query: refused, or still one name after printing."""
    payload = "x) FROM read_text('y') --"
    quoted = f"`{payload}`" if dialect == "mysql" else f'"{payload}"'
    for section, sql in statements("honest.sql"):
        if section != dialect:
            continue
        for word in re.finditer(r"[A-Za-z_]\w*|\d+", sql):
            hostile = sql[: word.start()] + quoted + sql[word.end() :]
            try:
                printed = print_checked(check_read_only(hostile, dialect), dialect)
            except (QueryRefused, QuerySyntaxError):
                continue
            assert "read_text" not in [token.text for token in sqlglot.tokenize(printed, dialect=dialect)], hostile


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("duckdb", "SELECT REPEAT('a', 1000000000)"),
        ("duckdb", "SELECT REPEAT('a', 1000 * (1000 + 1000000))"),
        ("duckdb", "SELECT REPEAT(REPEAT('a', 50000), 50000)"),
        ("duckdb", "SELECT LENGTH(LPAD('a', 2000000000, 'b'))"),
        ("duckdb", "SELECT RANGE(50000000)"),
        ("duckdb", "SELECT * FROM UNNEST(RANGE(0, 1000000000, 2))"),
        ("duckdb", "SELECT LIST_RESIZE([1], 1000000000)"),
        ("postgres", "SELECT RPAD('a', 1000000000)"),
        ("postgres", "SELECT ARRAY_FILL(1, ARRAY[100000000])"),
        ("sqlite", "SELECT HEX(ZEROBLOB(60000000))"),
    ],
)
def test_a_value_told_to_be_huge_is_refused(dialect: str, sql: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        check_read_only(sql, dialect)
    assert refused.value.reason == "too_large"


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("duckdb", "SELECT * FROM RANGE(1000000000) LIMIT 5"),
        ("duckdb", "SELECT UNNEST(GENERATE_SERIES(DATE '2020-01-01', DATE '2024-12-31', INTERVAL 1 DAY))"),
        ("duckdb", "SELECT REPEAT('#', quantity) FROM sales"),
        ("duckdb", "SELECT LPAD(code, 10, '0'), REPEAT('ab', 3), RANGE(-5, 1000) FROM t"),
        ("postgres", "SELECT n FROM GENERATE_SERIES(1, 1000000) AS n"),
    ],
)
def test_making_values_of_an_honest_size_is_allowed(dialect: str, sql: str) -> None:
    check_read_only(sql, dialect)


@pytest.mark.parametrize(("dialect", "sql"), list(statements("honest.sql")))
def test_a_text_that_was_checked_is_printed_with_a_limit_as_if_it_had_not_been(dialect: str, sql: str) -> None:
    query = check_read_only(sql, dialect)
    printed = print_checked(query, dialect)
    limited = check_read_only(printed, dialect).limit(7)
    assert print_checked(limited, dialect, checked=printed) == print_checked(limited, dialect)


def test_a_text_that_is_not_the_checked_one_is_checked_however_it_begins() -> None:
    tree = sqlglot.parse_one("SELECT 1 FROM READ_TEXT('x')", dialect="duckdb")
    assert isinstance(tree, exp.Query)
    with pytest.raises(QueryRefused):
        print_checked(tree, "duckdb", checked="SELECT 1 FROM ")
    with pytest.raises(QueryRefused):
        print_checked(tree.limit("GETENV('HOME')"), "duckdb", checked=tree.sql("duckdb"))
