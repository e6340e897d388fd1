"""The three documents of a schema, there and back, and what hostile ones get."""

from dataclasses import replace

import pytest

from mcp_gateway.core.errors import Json
from mcp_gateway.core.schema import Column, DatabaseSchema, ForeignKey, Table
from mcp_gateway.core.schema_documents import (
    KEYS_URI,
    SAMPLES_URI,
    SCHEMA_URI,
    BadSchemaDocument,
    from_documents,
    table_document,
    to_documents,
)

SCHEMA = DatabaseSchema(
    dialect="duckdb",
    version="0123456789abcdef",
    tables=(
        Table(
            name="customers",
            comment="who buys",
            row_count=2,
            primary_key=("id",),
            columns=(
                Column(name="id", type="INTEGER", kind="integer", nullable=False, distinct_count=2, minimum=1, maximum=2),
                Column(name="name", type="VARCHAR", kind="text", comment="full name", samples=("Ann", "Bö")),
            ),
        ),
        Table(
            name="sales.orders",
            is_view=True,
            columns=(
                Column(name="customer", type="INTEGER", kind="integer"),
                Column(name="paid", type="BOOLEAN", kind="boolean", samples=(True, None)),
            ),
            foreign_keys=(ForeignKey(columns=("customer",), target_table="customers", target_columns=("id",), inferred=True),),
        ),
    ),
)


def documents() -> dict[str, Json]:
    return dict(to_documents(SCHEMA))


def test_a_schema_comes_back_as_it_was() -> None:
    assert from_documents(documents()) == SCHEMA


def test_keys_and_samples_may_be_missing() -> None:
    schema = from_documents({SCHEMA_URI: documents()[SCHEMA_URI]})
    assert [table.name for table in schema.tables] == ["customers", "sales.orders"]
    assert schema.tables[1].foreign_keys == ()
    assert schema.tables[0].columns[1].samples == ()


def test_one_table_has_its_entries_of_all_documents_joined() -> None:
    document = table_document(SCHEMA.tables[1])
    assert document["foreign_keys"] == [
        {
            "table": "sales.orders",
            "columns": ["customer"],
            "target_table": "customers",
            "target_columns": ["id"],
            "inferred": True,
        }
    ]
    columns = document["columns"]
    assert isinstance(columns, list)
    assert columns[1] == {
        "name": "paid", "type": "BOOLEAN", "kind": "boolean", "nullable": True, "comment": None, "samples": [True, None],
        "distinct_count": None, "minimum": None, "maximum": None,
    }  # fmt: skip


def test_a_key_that_points_nowhere_is_left_out() -> None:
    orders = replace(
        SCHEMA.tables[1],
        foreign_keys=(ForeignKey(columns=("customer",), target_table="gone", target_columns=("id",)),),
        primary_key=("no_column",),
    )
    written: dict[str, Json] = dict(to_documents(replace(SCHEMA, tables=(orders,))))
    read = from_documents(written)
    assert (read.tables[0].foreign_keys, read.tables[0].primary_key) == ((), ())


HOSTILE: list[tuple[str, Json]] = [
    (SCHEMA_URI, None),
    (SCHEMA_URI, []),
    (SCHEMA_URI, {"dialect": "duckdb", "version": "1"}),
    (SCHEMA_URI, {"dialect": "duckdb", "version": "1", "tables": {}}),
    (SCHEMA_URI, {"dialect": 5, "version": "1", "tables": []}),
    (SCHEMA_URI, {"dialect": "", "version": "1", "tables": []}),
    (SCHEMA_URI, {"dialect": "duckdb", "version": "1", "tables": [None]}),
    (SCHEMA_URI, {"dialect": "duckdb", "version": "1", "tables": [{"name": "t", "columns": "x"}]}),
    (SCHEMA_URI, {"dialect": "duckdb", "version": "1", "tables": [{"name": "x" * 501, "columns": []}]}),
    (SCHEMA_URI, {"dialect": "duckdb", "version": "1", "tables": [{"name": "a\x00b", "columns": []}]}),
    (SCHEMA_URI, {"dialect": "duckdb", "version": "1", "tables": [{"name": "t", "columns": []}, {"name": "t", "columns": []}]}),
    (SCHEMA_URI, {"dialect": "duckdb", "version": "1", "tables": [{"name": "t", "row_count": -1, "columns": []}]}),
    (SCHEMA_URI, {"dialect": "duckdb", "version": "1", "tables": [{"name": "t", "is_view": "yes", "columns": []}]}),
    (SCHEMA_URI, {"dialect": "duckdb", "version": "1", "tables": [{"name": "t", "columns": [{"name": "c", "kind": "evil"}]}]}),
    (SCHEMA_URI, {"dialect": "duckdb", "version": "1", "tables": [{"name": f"t{n}", "columns": []} for n in range(10_001)]}),
    (KEYS_URI, {"foreign_keys": [{"table": "t", "columns": ["a"], "target_table": "u", "target_columns": []}]}),
    (KEYS_URI, {"foreign_keys": [{"table": "t", "columns": [], "target_table": "u", "target_columns": []}]}),
    (KEYS_URI, {"foreign_keys": "all"}),
    (SAMPLES_URI, {"columns": [{"table": "t", "column": "c", "samples": [{}]}]}),
    (SAMPLES_URI, {"columns": [{"table": "t", "column": "c", "samples": ["x"] * 1_001}]}),
    (SAMPLES_URI, {"columns": [{"table": "t", "column": "c", "samples": [], "distinct_count": True}]}),
    (SAMPLES_URI, {"columns": [{"table": "t", "column": "c", "samples": [], "minimum": []}]}),
]


@pytest.mark.parametrize(("uri", "document"), HOSTILE)
def test_a_document_of_another_shape_is_refused_by_name(uri: str, document: Json) -> None:
    with pytest.raises(BadSchemaDocument):
        from_documents({**documents(), uri: document})


def test_long_texts_are_cut_rather_than_carried_along() -> None:
    hostile = documents()
    schema = hostile[SCHEMA_URI]
    assert isinstance(schema, dict)
    schema["tables"] = [{"name": "t", "columns": [{"name": "c", "kind": "text"}], "comment": "x" * 1_000_000}]
    assert len(from_documents({SCHEMA_URI: schema}).tables[0].comment or "") == 4_000


def test_a_table_without_columns_is_left_out() -> None:
    schema: Json = {"dialect": "postgres", "version": "1", "tables": [{"name": "nothing", "columns": []}]}
    assert from_documents({**documents(), SCHEMA_URI: schema}).tables == ()
