"""The demo shop as somebody would find it: enough rows, up to today, the same again, and with life's gaps."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import duckdb
import pytest

from mcp_gateway.adapters.demo_shop.generate import ShopNotMade, generate_shop

TODAY = date(2026, 11, 21)
TABLES = ("customers", "products", "categories", "orders", "sales", "regions", "employees", "returns", "stock")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "shop.duckdb"
    generate_shop(path, today=TODAY)
    return path


@pytest.fixture(scope="module")
def shop(made: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(made), read_only=True) as connection:
        yield connection


def ask(shop: duckdb.DuckDBPyConnection, sql: str) -> object:
    """The one value the query returns."""
    row = shop.execute(sql).fetchone()
    assert row is not None
    return row[0]


def count(shop: duckdb.DuckDBPyConnection, rows: str) -> int:
    found = ask(shop, f"SELECT count(*) FROM {rows}")
    assert isinstance(found, int)
    return found


def fingerprint(path: Path) -> dict[str, object]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return {
            table: ask(
                connection, f"SELECT md5(string_agg(row_text, chr(10))) FROM (SELECT t::VARCHAR AS row_text FROM {table} t)"
            )
            for table in TABLES
        }


def test_all_tables_have_rows_and_sales_have_a_hundred_thousand(shop: duckdb.DuckDBPyConnection) -> None:
    for table in TABLES:
        assert count(shop, table) > 0
    assert count(shop, "sales") >= 100_000
    assert 60 <= count(shop, "products") <= 120


def test_trade_runs_over_two_years_up_to_today(shop: duckdb.DuckDBPyConnection) -> None:
    assert ask(shop, "SELECT min(sale_date) FROM sales") == date(2024, 11, 21)
    assert ask(shop, "SELECT max(sale_date) FROM sales") == TODAY
    assert ask(shop, "SELECT count(DISTINCT order_date) FROM orders") == (TODAY - date(2024, 11, 21)).days + 1


def test_product_123_is_the_magic_wand(shop: duckdb.DuckDBPyConnection) -> None:
    assert ask(shop, "SELECT product_name FROM products WHERE product_id = 123") == "Magic Wand Pro"
    assert count(shop, "sales WHERE product_id = 123 AND sale_date >= DATE '2026-11-01'") > 0


def test_the_same_seed_and_day_give_the_same_rows(made: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "b.duckdb", tmp_path / "c.duckdb"
    generate_shop(again, today=TODAY)
    generate_shop(other, today=TODAY, seed=8)
    first = fingerprint(made)
    assert first == fingerprint(again)
    assert first["sales"] != fingerprint(other)["sales"]


@pytest.mark.parametrize("today", [date(2028, 2, 29), date(2026, 1, 1), date(2026, 8, 31)])
def test_any_day_of_the_calendar_can_be_today(tmp_path: Path, today: date) -> None:
    path = tmp_path / "shop.duckdb"
    generate_shop(path, today=today)
    with duckdb.connect(str(path), read_only=True) as connection:
        assert count(connection, "sales") >= 100_000
        assert ask(connection, "SELECT max(sale_date) FROM sales") == today


@pytest.mark.parametrize(
    "rows",
    [
        "customers WHERE customer_id NOT IN (SELECT customer_id FROM orders)",
        "customers WHERE customer_id IN (SELECT customer_id FROM orders GROUP BY 1 HAVING max(order_date) < DATE '2026-05-21')",
        "products WHERE product_id NOT IN (SELECT product_id FROM sales JOIN returns USING (sale_id))",
        "orders WHERE order_id NOT IN (SELECT order_id FROM sales)",
        "employees WHERE employee_id NOT IN (SELECT employee_id FROM orders WHERE employee_id IS NOT NULL)",
        "stock WHERE quantity_on_hand = 0",
        "orders WHERE employee_id IS NULL",
        "customers WHERE birth_date IS NULL",
        "products WHERE color IS NULL",
        "returns WHERE reason IS NULL",
    ],
)
def test_the_gaps_of_real_life_are_there(shop: duckdb.DuckDBPyConnection, rows: str) -> None:
    assert count(shop, rows) > 0


@pytest.mark.parametrize(
    "impossible",
    [
        "orders JOIN customers USING (customer_id) WHERE order_date < signup_date",
        "sales JOIN products USING (product_id) WHERE sale_date < launch_date",
        "sales JOIN orders USING (order_id) WHERE sale_date <> order_date OR status = 'cancelled'",
        "returns JOIN sales USING (sale_id) WHERE return_date < sale_date OR returns.quantity > sales.quantity",
        "orders WHERE ship_date < order_date OR ship_date > DATE '2026-11-21'",
        "sales WHERE amount <> round(quantity * unit_price * (1 - discount), 2) OR amount <= 0",
        "orders JOIN customers USING (customer_id) WHERE orders.region_id <> customers.region_id",
        "(SELECT customer_name FROM customers GROUP BY ALL HAVING count(*) > 1)",
        "customers JOIN employees ON customer_name = employee_name",
    ],
)
def test_nothing_contradicts_itself(shop: duckdb.DuckDBPyConnection, impossible: str) -> None:
    assert count(shop, impossible) == 0


def test_business_grows_and_has_seasons(shop: duckdb.DuckDBPyConnection) -> None:
    def revenue(start: str, end: str) -> float:
        return float(
            str(ask(shop, f"SELECT sum(amount) FROM sales WHERE sale_date >= DATE '{start}' AND sale_date < DATE '{end}'"))
        )

    assert revenue("2025-11-01", "2026-11-01") > 1.15 * revenue("2024-11-21", "2025-11-01")
    assert revenue("2025-12-01", "2026-01-01") > 1.3 * revenue("2026-02-01", "2026-03-01")


def test_choices_do_not_lean_on_each_other(shop: duckdb.DuckDBPyConnection) -> None:
    reasons = dict(shop.execute("SELECT reason, count(*) FROM returns GROUP BY 1").fetchall())
    assert len(reasons) == 6
    assert min(reasons.values()) > 0.07 * sum(reasons.values())
    busy = "(SELECT employee_id FROM orders WHERE employee_id > 0)"
    assert count(shop, f"employees WHERE job_title = 'Sales Representative' AND employee_id NOT IN {busy}") == 0


def test_keys_and_comments_are_declared(shop: duckdb.DuckDBPyConnection) -> None:
    kinds = dict(shop.execute("SELECT constraint_type, count(*) FROM duckdb_constraints() GROUP BY 1").fetchall())
    assert kinds["PRIMARY KEY"] == len(TABLES)
    assert kinds["FOREIGN KEY"] >= 10
    assert count(shop, "duckdb_tables() WHERE comment IS NULL") == 0
    assert count(shop, "duckdb_columns() WHERE comment IS NOT NULL") > 25


def test_progress_is_told_from_start_to_end(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    generate_shop(tmp_path / "shop.duckdb", today=TODAY, progress=lambda stage, share: told.append((stage, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert [stage for stage, _ in told][1:5] == ["orders", "sales", "returns", "stock"]


def test_a_file_in_use_elsewhere_stays_whole_when_generation_fails(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    path.write_text("the old file")
    with pytest.raises(RuntimeError, match="stop"):
        generate_shop(path, today=TODAY, progress=_stop)
    assert path.read_text() == "the old file"
    assert list(tmp_path.iterdir()) == [path]


def _stop(stage: str, _share: float) -> None:
    if stage == "sales":
        raise RuntimeError("stop")


def test_two_may_make_it_at_the_same_time(tmp_path: Path) -> None:
    both_began = threading.Barrier(2, timeout=60)

    def begin(_stage: str, share: float) -> None:
        if 0 < share < 0.05:
            both_began.wait()

    with ThreadPoolExecutor(2) as pool:
        for made in [pool.submit(generate_shop, tmp_path / "shop.duckdb", today=TODAY, progress=begin) for _ in range(2)]:
            made.result(timeout=60)
    assert [path.name for path in tmp_path.iterdir()] == ["shop.duckdb"]


def test_a_folder_that_cannot_be_written_is_named_and_nothing_stays(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ShopNotMade) as failed:
        generate_shop(tmp_path / "file" / "shop.duckdb", today=TODAY)
    assert "MCP_GATEWAY_CACHE_DIR" in failed.value.hint


def test_an_error_on_the_way_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(_stage: str, share: float) -> None:
        if share > 0.5:
            raise OSError("No space left on device")

    with pytest.raises(ShopNotMade):
        generate_shop(tmp_path / "shop.duckdb", today=TODAY, progress=fail)
    assert list(tmp_path.iterdir()) == []
