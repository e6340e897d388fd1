"""Tables that declare no key, as files do."""

from dataclasses import replace

import pytest

from mcp_gateway.ask.engine.form import ColumnRef
from mcp_gateway.ask.engine.schema_index import prepare
from mcp_gateway.core.schema import Column, DatabaseSchema, Table


def people(distinct: int) -> DatabaseSchema:
    columns = (
        Column(name="person_id", type="integer", kind="integer", nullable=True, distinct_count=distinct),
        Column(name="name", type="text", kind="text", nullable=True, distinct_count=10),
        Column(name="manager_id", type="integer", kind="integer", nullable=True, distinct_count=3),
    )
    return DatabaseSchema(dialect="duckdb", tables=(Table(name="people", columns=columns, row_count=10),))


@pytest.mark.parametrize(("distinct", "key"), [(10, (ColumnRef("people", "person_id"),)), (9, ())])
def test_an_id_that_every_row_has_another_of_is_the_key(distinct: int, key: tuple[ColumnRef, ...]) -> None:
    assert prepare(people(distinct)).tables["people"].key == key


def test_a_declared_key_stays_the_key() -> None:
    schema = people(10)
    declared = replace(schema, tables=(replace(schema.tables[0], primary_key=("name",)),))
    assert prepare(declared).tables["people"].key == (ColumnRef("people", "name"),)
