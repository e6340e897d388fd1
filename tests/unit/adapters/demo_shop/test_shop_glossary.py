"""The shipped glossary speaks of the shipped shop: every name and expression in it works there."""

from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from typing import Any

import duckdb
import pytest
import sqlglot
import yaml

from mcp_gateway.adapters.demo_shop.generate import generate_shop
from mcp_gateway.core.vocabulary import Entity, Metric, Period, Term

GLOSSARY: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    files("mcp_gateway.adapters.demo_shop").joinpath("glossary.yaml").read_text(encoding="utf-8")
)
ENTITIES = [Entity(**item) for item in GLOSSARY["entities"]]
TERMS = [Term(**item) for item in GLOSSARY["terms"]]
METRICS = [Metric(**item) for item in GLOSSARY["metrics"]]
PERIODS = [Period(**item) for item in GLOSSARY["periods"]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path_factory.mktemp("shop") / "shop.duckdb"
    generate_shop(path, today=date(2026, 11, 21))
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def duckdb_text(expression: Any) -> str:
    return expression.get("duckdb") or sqlglot.transpile(expression["default"], write="duckdb")[0]


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.label)
def test_every_entity_is_stored(shop: duckdb.DuckDBPyConnection, entity: Entity) -> None:
    assert shop.execute(f"SELECT 1 FROM {entity.table} WHERE {entity.column} = ?", [entity.value]).fetchone()


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.aliases[0])
def test_every_term_names_rows_or_a_column_that_exist(shop: duckdb.DuckDBPyConnection, term: Term) -> None:
    condition = duckdb_text(term.condition) if term.condition else "true"
    assert shop.execute(f"SELECT {term.column or '*'} FROM {term.table} WHERE {condition}").fetchone()


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_can_be_computed(shop: duckdb.DuckDBPyConnection, metric: Metric) -> None:
    expression = sqlglot.parse_one(duckdb_text(metric.expression), read="duckdb")
    tables = {column.table for column in expression.find_all(sqlglot.exp.Column)}
    joins = "".join(f" JOIN {table} USING (product_id)" for table in sorted(tables - {metric.table}))
    row = shop.execute(f"SELECT {expression.sql('duckdb')} FROM {metric.table}{joins}").fetchone()
    assert row is not None
    assert row[0] > 0


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.aliases[0])
def test_every_period_starts_before_it_ends(shop: duckdb.DuckDBPyConnection, period: Period) -> None:
    row = shop.execute(f"SELECT {duckdb_text(period.start)} < {duckdb_text(period.end)}").fetchone()
    assert row == (True,)


def test_aliases_are_said_once() -> None:
    lists = [item.aliases for items in (ENTITIES, TERMS, METRICS, PERIODS) for item in items]
    said = [alias.casefold() for aliases in lists for alias in aliases]
    assert sorted(said) == sorted(set(said))


def test_the_words_of_the_specification_are_there() -> None:
    wand = next(entity for entity in ENTITIES if entity.value == 123)
    assert {"abracadabra", "techgadget"} <= set(wand.aliases)
    month = next(period for period in PERIODS if "this month" in period.aliases)
    assert month.start["duckdb"] == "DATE_TRUNC('month', CURRENT_DATE)"
