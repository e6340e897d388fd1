"""The golden questions asked by somebody who may not see everything: does each answer hold on a database without the rest?

The demo shop through the whole pipeline, engine alone, under the rules of `bench.access_data`. The SQL that each answer shows
is run again on a copy in which the withheld tables, columns and rows do not exist. `python -m bench.golden_rights`
"""

import asyncio
import logging
import tempfile
from collections import Counter
from pathlib import Path

import duckdb
import structlog
from bench.access_data import CALLER, FILTERED, Way, opened
from bench.golden_shop import plain, read_cases, rows_agree

from mcp_gateway.ask.model import Answer, Question
from mcp_gateway.core.errors import GatewayError

HIDDEN_TABLES, HIDDEN_COLUMNS = ("stock",), ("salary", "email", "phone", "birth_date")
OWN_REGION = ("orders", "customers", "employees")


def permitted_copy(folder: Path) -> duckdb.DuckDBPyConnection:
    """The shop as it is for the caller, in memory."""
    shop = next((folder / "demo").glob("shop-*.duckdb"))
    copy = folder / "copy.duckdb"
    copy.write_bytes(shop.read_bytes())
    connection = duckdb.connect()
    connection.execute(f"ATTACH '{copy}' AS shop (READ_ONLY)")
    every = connection.execute(
        "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() "
        "WHERE database_name = 'shop' GROUP BY table_name"
    )
    for table, columns in every.fetchall():
        if table not in HIDDEN_TABLES:
            kept = ", ".join(name for name in columns if name not in HIDDEN_COLUMNS)
            rows = f"WHERE region_id = {CALLER.attributes['region']}" if table in OWN_REGION else ""
            connection.execute(f"CREATE TABLE {table} AS SELECT {kept} FROM shop.{table} {rows}")
    return connection


def verdict_on(answer: Answer, permitted: duckdb.DuckDBPyConnection) -> str:
    if answer.rows is None or answer.sql is None:
        return "abstained"
    expected = [tuple(plain(cell) for cell in row) for row in permitted.execute(answer.sql).fetchall()]
    actual = [tuple(plain(cell) for cell in row) for row in answer.rows.rows]
    return "holds" if rows_agree(expected, actual, ordered=False) else "differs"


async def ask_all(way: Way, permitted: duckdb.DuckDBPyConnection) -> Counter[str]:
    found: Counter[str] = Counter()
    for place, case in enumerate(read_cases()):
        for text in case.asks:
            question = Question(text=text, session_id=f"golden-{place}", engine="engine")
            try:
                verdict = verdict_on(await way.ask(CALLER, question), permitted)
            except GatewayError as error:
                verdict = f"refused: {error.code}"
            except duckdb.Error as error:
                verdict = "differs"
                print(f"    {error}")
            if verdict == "differs":
                print(f"[differs] {text}")
            found[verdict] += 1
    return found


async def run(folder: Path) -> Counter[str]:
    async with opened(folder) as (ways, _):
        with permitted_copy(folder) as permitted:
            return await ask_all(ways[FILTERED], permitted)


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run(Path(folder)))
    print(f"{found.total()} questions: " + ", ".join(f"{count} {verdict}" for verdict, count in found.most_common()))
    return 1 if found["differs"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
