"""Which queries may make values far larger than those stored."""

import pytest

from mcp_gateway.core.sql.calm import may_grow
from mcp_gateway.core.sql.read_only import check_read_only


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM sales",
        "SELECT region, SUM(amount), COUNT(DISTINCT client), MEDIAN(amount) FROM sales GROUP BY region ORDER BY 2 DESC",
        "SELECT STRFTIME(day, '%Y-%m') AS month, 100.0 * SUM(amount) / NULLIF(COUNT(*), 0) FROM sales GROUP BY 1",
        "SELECT first_name || ' ' || last_name AS name FROM clients WHERE LOWER(city) LIKE '%york%'",
        "SELECT REPLACE(phone, '-', ''), SUBSTRING(phone, 1, 3) FROM clients",
        "SELECT * FROM RANGE(1000000) AS t(i)",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT SUM(n) FROM t",
        "SELECT ROW_NUMBER() OVER (PARTITION BY region ORDER BY day) FROM sales QUALIFY RANK() OVER (ORDER BY amount) <= 3",
        "SELECT * FROM sales WHERE (region, client) IN (('a', 1), ('b', 2))",
        "SELECT MAX(amount), MAX_BY(client, amount), data ->> '$.a' FROM sales",
    ],
)
def test_what_only_picks_counts_and_compares_is_calm(sql: str) -> None:
    assert not may_grow(check_read_only(sql, "duckdb"))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT REPEAT(name, n) FROM clients",
        "SELECT LPAD(name, n, ' ') FROM clients",
        "SELECT REPLACE(name, 'a', 'aaaaaaaa') FROM clients",
        "SELECT REPLACE(name, 'a', name) FROM clients",
        "SELECT STRING_AGG(name, ',') FROM clients",
        "SELECT LIST(name), HISTOGRAM(name) FROM clients",
        "SELECT MAX(amount, 1000000) FROM sales",
        "SELECT ARG_MAX(client, amount, 1000000) FROM sales",
        "SELECT RANGE(n) FROM clients",
        "SELECT [name, name], {'a': name} FROM clients",
        "WITH RECURSIVE t(s) AS (SELECT 'a' UNION ALL SELECT s || s FROM t) SELECT COUNT(*) FROM t",
        "SELECT " + " || ".join(["name"] * 40) + " FROM clients",
        "SELECT " + ", ".join(["*"] * 9) + " FROM clients",
        "SELECT PRINTF('%1000000000d', 1)",
        "SELECT '" + "x" * 20_000 + "' || name FROM clients",
    ],
)
def test_what_collects_pads_or_multiplies_may_grow(sql: str) -> None:
    assert may_grow(check_read_only(sql, "duckdb"))
