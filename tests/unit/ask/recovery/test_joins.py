"""Where no key leads, two tables are tied by a column only where one of its rows is meant."""

import pytest

from mcp_gateway.ask.recovery.joins import nearest_way
from mcp_gateway.ask.scopes import selects
from mcp_gateway.core.schema import Column, DatabaseSchema, Table
from mcp_gateway.core.sql.parsing import parse_bounded


def table(name: str, *columns: str, key: tuple[str, ...] = (), region_values: int | None = None) -> Table:
    return Table(
        name=name,
        columns=tuple(
            Column(name=one, type="INTEGER", kind="integer", distinct_count=region_values if one == "region_id" else None)
            for one in columns
        ),
        primary_key=key,
        row_count=100,
    )


@pytest.mark.parametrize(
    ("regions", "tied"),
    [
        (table("offices", "office_id", "region_id", "phone", key=("office_id",), region_values=7), False),
        (table("offices", "office_id", "region_id", "phone", key=("office_id",), region_values=100), True),
        (table("offices", "region_id", "phone", key=("region_id",)), True),
    ],
    ids=["many of both", "each value once", "the key"],
)
def test_a_shared_column_ties_two_tables_where_it_is_unique_in_one(regions: Table, tied: bool) -> None:  # noqa: FBT001
    people = table("people", "person_id", "region_id", key=("person_id",), region_values=7)
    schema = DatabaseSchema(dialect="duckdb", version="1", tables=(people, regions))
    (tree,) = parse_bounded("SELECT phone FROM people", "duckdb")
    (select,) = selects(tree, schema)
    assert (nearest_way(schema, select, "offices") is not None) == tied
