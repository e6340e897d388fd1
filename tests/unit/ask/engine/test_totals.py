"""Figures by group are totals, unless every row is a group of its own."""

from datetime import UTC, datetime

import pytest

from mcp_gateway.ask.engine import EmbeddedEngine
from mcp_gateway.ask.model import DraftRequest
from mcp_gateway.core.schema import Column, DatabaseSchema, Table

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LEDGER = DatabaseSchema(
    dialect="sqlite",
    tables=(
        Table(
            name="ledger",
            row_count=60,
            primary_key=("entry_id",),
            columns=(
                Column(name="entry_id", type="INTEGER", kind="integer", distinct_count=60),
                Column(name="reference", type="TEXT", kind="text", distinct_count=60),
                Column(name="city", type="TEXT", kind="text", distinct_count=4),
                Column(name="booked_on", type="DATE", kind="date", distinct_count=30),
                Column(name="amount", type="REAL", kind="number", distinct_count=55),
                Column(name="rating", type="REAL", kind="number", distinct_count=5),
            ),
        ),
    ),
)


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        ("amount by city", "SELECT city, SUM(amount) AS total_amount FROM ledger GROUP BY city"),
        ("amount for each city", "SELECT city, SUM(amount) AS total_amount FROM ledger GROUP BY city"),
        ("rating per city", "SELECT city, AVG(rating) AS average_rating FROM ledger GROUP BY city"),
        ("amount by month", "SELECT STRFTIME('%Y-%m', booked_on) AS \"month\", SUM(amount) AS total_amount FROM ledger GROUP BY"),
        ("show the amount for each reference", "SELECT reference, amount FROM ledger"),
    ],
)
def test_a_measure_by_group_is_added_up(question: str, sql: str) -> None:
    best = EmbeddedEngine().draft_now(DraftRequest(question=question, schema=LEDGER, now=NOW)).best
    assert best is not None
    assert best.sql.startswith(sql)
    assert ("SUM" in best.sql) == ("SUM" in sql)
