"""Rows are taken in portions that fit into memory."""

import sqlite3

from mcp_gateway.adapters.databases.fetch import BATCH_BYTES, fetch_rows, fetch_within
from mcp_gateway.adapters.databases.sqlite import SqliteRows
from mcp_gateway.tables.model import Limits

HUGE = BATCH_BYTES // 2
ROWS = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20) SELECT i, ZEROBLOB({HUGE}) FROM n"


def test_rows_of_huge_cells_come_a_few_at_a_time() -> None:
    connection = sqlite3.connect(":memory:")
    rows = SqliteRows(connection.execute(ROWS))
    assert [len(rows.fetch(50)) for _ in range(3)] == [2, 2, 2]
    connection.close()


def test_small_rows_come_together() -> None:
    left = iter([(number, "word") for number in range(30)])
    assert [len(fetch_within(lambda: next(left, None), 20)) for _ in range(3)] == [20, 10, 0]


def test_taking_few_at_a_time_loses_no_row() -> None:
    connection = sqlite3.connect(":memory:")
    result = fetch_rows(SqliteRows(connection.execute(ROWS)), Limits(max_cell_bytes=100))
    assert [row[0] for row in result.rows] == list(range(1, 21))
    assert result.truncated_by is None
    connection.close()
