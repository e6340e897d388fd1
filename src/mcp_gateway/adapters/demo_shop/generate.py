"""Writes the demo shop: a DuckDB file with two years of a small shop's trade, ending today.

The same seed and day give the same rows. The lists of products, places and names are CSV beside this file; orders,
sales, returns and stock are drawn inside DuckDB by trade.sql, which is why a hundred thousand rows take a second or two.
"""

import random
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

from mcp_gateway.adapters.demo_shop.catalogue import DEPARTMENTS, Country, Product, read_countries, read_names, read_products
from mcp_gateway.adapters.demo_shop.people import Customer, Employee, draw_customers, draw_employees, find_buyers
from mcp_gateway.core.errors import Unavailable

MONTHS = 24
# Nobody marked as having stopped orders within this many days, comfortably more than half a year.
_LATE_DAYS = 200
_SLOTS = 1500
_SEASONS: Mapping[str, Sequence[float]] = {
    "Garden": (0.3, 0.4, 0.9, 1.7, 2.1, 1.8, 1.4, 1.0, 0.7, 0.4, 0.3, 0.3),
    "Toys & Games": (0.7, 0.7, 0.8, 0.8, 0.8, 0.8, 0.9, 0.9, 0.9, 1.1, 1.7, 2.6),
    "Sports & Outdoors": (1.1, 0.9, 1.0, 1.1, 1.3, 1.4, 1.3, 1.1, 0.9, 0.8, 0.7, 0.8),
    "Clothing": (0.9, 0.8, 0.9, 0.9, 0.9, 0.9, 0.8, 0.9, 1.2, 1.3, 1.3, 1.3),
    "Office Supplies": (1.3, 1.0, 0.9, 0.9, 0.9, 0.8, 0.7, 1.3, 1.6, 1.0, 0.9, 0.7),
}
Progress: TypeAlias = Callable[[str, float], None]
Row: TypeAlias = Sequence[object]


class ShopNotMade(Unavailable):
    """The demo shop cannot be written."""

    code = "DEMO_SHOP_NOT_MADE"
    hint = "It needs a writable folder with 50 MB of room; MCP_GATEWAY_CACHE_DIR names another one."


def generate_shop(path: Path, *, today: date, seed: int = 7, progress: Progress | None = None) -> None:
    """Write the shop to `path`, replacing what is there only when the new file is complete. Two may do so at the same time.

    Raises `ShopNotMade` when there is no room or no permission; nothing half made stays behind.
    `progress` is called with what is being made and the share done, 0..1, before each step and with 1 at the end.
    """
    report = progress or (lambda _stage, _share: None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A folder of its own, because DuckDB puts its log beside the file.
        with tempfile.TemporaryDirectory(prefix="making-", dir=path.parent, ignore_cleanup_errors=True) as folder:
            part = Path(folder) / path.name
            with duckdb.connect(str(part)) as connection:
                _fill(connection, today, seed, report)
            part.replace(path)
    except (OSError, duckdb.Error) as error:
        words = (str(error).splitlines() or [type(error).__name__])[0]
        raise ShopNotMade(f"The demo shop cannot be written to {path.parent}: {words}") from error
    report("ready", 1.0)


def _fill(connection: duckdb.DuckDBPyConnection, today: date, seed: int, report: Progress) -> None:
    report("products and people", 0.02)
    first_day = _months_before(today, MONTHS)
    connection.execute(_read("schema.sql"))
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose, nothing secret
    products, countries, names = read_products(), read_countries(), read_names()
    regions = _write_lists(connection, products, countries, chance, first_day, today)
    customers = draw_customers(chance, countries, names, regions, first_day, today)
    employees = draw_employees(chance, countries, names, regions, today, [each.customer_name for each in customers])
    _insert(connection, "customers", (_values(customer) for customer in customers))
    for employee in employees:
        _insert(connection, "employees", [_values(employee)])
    _prepare_draws(connection, products, customers, employees, first_day, today, seed)
    steps = _read("trade.sql").split("-- step: ")[1:]
    for done, step in enumerate(steps):
        report(step.splitlines()[0], 0.1 + 0.8 * done / len(steps))
        connection.execute(step.split("\n", 1)[1])
    report("writing the file", 0.92)
    connection.execute("CHECKPOINT")


def _write_lists(
    connection: duckdb.DuckDBPyConnection,
    products: Iterable[Product],
    countries: Iterable[Country],
    chance: random.Random,
    first_day: date,
    today: date,
) -> dict[str, int]:
    """Regions, categories and products; returns the region numbers by name."""
    markets = {country.region: country.market for country in countries}
    regions = {region: number for number, region in enumerate(markets, start=1)}
    categories = {category: number for number, category in enumerate(sorted(DEPARTMENTS), start=1)}
    _insert(connection, "regions", [(number, region, markets[region]) for region, number in regions.items()])
    _insert(connection, "categories", [(number, name, DEPARTMENTS[name]) for name, number in categories.items()])
    rows = []
    for product in products:
        if product.launched_months_ago is None:
            launched = first_day - timedelta(days=chance.randint(10, 1500))
        else:
            launched = _months_before(today, product.launched_months_ago).replace(day=chance.randint(1, 20))
        rows.append(
            (
                product.product_id, product.name, categories[product.category], product.brand, product.list_price,
                product.unit_cost, product.weight_kg, product.color, launched, product.discontinued,
            )
        )  # fmt: skip
    _insert(connection, "products", rows)
    return regions


def _prepare_draws(
    connection: duckdb.DuckDBPyConnection,
    products: Sequence[Product],
    customers: Sequence[Customer],
    employees: Iterable[Employee],
    first_day: date,
    today: date,
    seed: int,
) -> None:
    """The temporary tables and variables trade.sql draws from."""
    late_day = today - timedelta(days=_LATE_DAYS)
    for name, value in {"seed": seed, "today": today, "first_day": first_day, "late_day": late_day}.items():
        literal = value if isinstance(value, int) else f"DATE '{value}'"
        connection.execute(f"SET VARIABLE {name} = {literal}")
    connection.execute("CREATE TEMP TABLE buyers (rank INTEGER, early_customer_id INTEGER, late_customer_id INTEGER)")
    _insert(connection, "buyers", (_values(buyer) for buyer in find_buyers(customers)))
    connection.execute("CREATE TEMP TABLE sellers (region_id INTEGER, employee_ids INTEGER[])")
    sellers: dict[int, list[int]] = {}
    for employee in employees:
        if employee.region_id is not None:
            sellers.setdefault(employee.region_id, []).append(employee.employee_id)
    _insert(connection, "sellers", [(region, ids[1:]) for region, ids in sellers.items()])
    connection.execute("CREATE TEMP TABLE shelves (month DATE, product_ids INTEGER[])")
    months = [_months_before(today, ago).replace(day=1) for ago in range(MONTHS, -1, -1)]
    _insert(connection, "shelves", [(month, _fill_shelf(products, month, today)) for month in months])


def _fill_shelf(products: Iterable[Product], month: date, today: date) -> list[int]:
    """Product numbers, each as often as it sells in this month beside the others."""
    weights: dict[int, float] = {}
    for product in products:
        age = product.launched_months_ago
        if age is not None and month <= _months_before(today, age).replace(day=1):
            continue
        if product.discontinued and month > _months_before(today, 13):
            continue
        season = _SEASONS.get(product.category, (1.0,) * 12)[month.month - 1]
        weights[product.product_id] = product.popularity * season
    total = sum(weights.values())
    return [number for number, weight in weights.items() for _ in range(max(1, round(_SLOTS * weight / total)))]


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Row]) -> None:
    """All rows in one statement, column by column: many times faster than row by row."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    types = connection.execute(
        "SELECT data_type FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index", [table]
    ).fetchall()
    unnested = ", ".join(f"unnest(${number}::{kind}[])" for number, (kind,) in enumerate(types, start=1))
    connection.execute(f"INSERT INTO {table} SELECT {unnested}", columns)


def _values(row: Any) -> Row:
    return [getattr(row, each.name) for each in fields(row)]


def _months_before(day: date, months: int) -> date:
    """The same day of the month so many months earlier, or that month's last day."""
    index = day.year * 12 + day.month - 1 - months
    first = date(index // 12, index % 12 + 1, 1)
    next_first = date((index + 1) // 12, (index + 1) % 12 + 1, 1)
    return first.replace(day=min(day.day, (next_first - first).days))


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
