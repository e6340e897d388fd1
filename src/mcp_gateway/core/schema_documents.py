"""A database's schema as the three JSON documents of a tables server, and back.

    tables://schema    tables, columns, comments, row counts
    tables://keys      declared and inferred foreign keys
    tables://samples   a few stored values, counts and bounds of columns

Reading is strict: the documents may come from any server. What does not fit raises `BadSchemaDocument` naming the place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, get_args

from mcp_gateway.core.errors import Json, Unprocessable
from mcp_gateway.core.schema import Column, ColumnKind, DatabaseSchema, ForeignKey, Scalar, Table

SCHEMA_URI: Final = "tables://schema"
KEYS_URI: Final = "tables://keys"
SAMPLES_URI: Final = "tables://samples"
DOCUMENT_URIS: Final = (SCHEMA_URI, KEYS_URI, SAMPLES_URI)

# Far beyond any honest database, small enough that a hostile document cannot fill the memory.
_MAX_TABLES: Final = 10_000
_MAX_COLUMNS: Final = 200_000
_MAX_ITEMS: Final = 1_000
_MAX_NAME: Final = 500
_MAX_TEXT: Final = 4_000
_KINDS: Final = frozenset(get_args(ColumnKind))
_SHOWN: Final = 60


class BadSchemaDocument(Unprocessable):
    """A schema document does not have the shape it must have."""

    code = "BAD_SCHEMA_DOCUMENT"
    hint = "Look at the server that sent it: the shape is that of the tables server's resources."


def to_documents(schema: DatabaseSchema) -> dict[str, dict[str, Json]]:
    """The three documents by URI."""
    return {
        SCHEMA_URI: {
            "dialect": schema.dialect,
            "version": schema.version,
            "tables": [_table_entry(table) for table in schema.tables],
        },
        KEYS_URI: {
            "version": schema.version,
            "foreign_keys": [_key_entry(table, key) for table in schema.tables for key in table.foreign_keys],
        },
        SAMPLES_URI: {
            "version": schema.version,
            "columns": [_sample_entry(table, column) for table in schema.tables for column in table.columns],
        },
    }


def table_document(table: Table) -> dict[str, Json]:
    """One table's entries of all three documents joined: what `describe_table` answers."""
    entry = _table_entry(table)
    columns: list[Json] = [{**_column_entry(column), **_profile_entry(column)} for column in table.columns]
    keys: list[Json] = [_key_entry(table, key) for key in table.foreign_keys]
    return {**entry, "columns": columns, "foreign_keys": keys}


def from_documents(documents: Mapping[str, Json]) -> DatabaseSchema:
    """The schema of the documents by URI; keys and samples may be missing.

    Raises `BadSchemaDocument`. Keys and samples of tables or columns that the schema does not name are left out.
    """
    schema = _object(documents.get(SCHEMA_URI), SCHEMA_URI)
    entries = _list(schema.get("tables"), "tables", _MAX_TABLES)
    keys = _read_keys(documents.get(KEYS_URI))
    profiles = _read_profiles(documents.get(SAMPLES_URI))
    tables = tuple(_read_table(_object(entry, f"tables[{place}]"), keys, profiles) for place, entry in enumerate(entries))
    if len({table.name for table in tables}) != len(tables):
        raise BadSchemaDocument("Two tables of the schema document have the same name.")
    known = {table.name: {column.name for column in table.columns} for table in tables}
    return DatabaseSchema(
        dialect=_text(schema.get("dialect"), "dialect"),
        version=_text(schema.get("version"), "version"),
        # A table without columns, which Postgres allows, can be asked nothing.
        tables=tuple(_without_dangling_keys(table, known) for table in tables if table.columns),
    )


def fit_for_documents(tables: Sequence[Table]) -> tuple[Table, ...]:
    """The tables as documents can carry them: without columns and tables that have no name or too long a one, without
    tables that have no columns; long type names cut.

    SQLite allows a column without a name, and a nested type or an enumeration can have a name of any length; one such column
    must not keep all the others from being asked about.
    """
    fitting = (_fit_table(table) for table in tables if _is_name(table.name))
    return tuple(table for table in fitting if table.columns)[:_MAX_TABLES]


def _fit_table(table: Table) -> Table:
    columns = tuple(
        column if len(column.type) <= _MAX_NAME else replace(column, type=f"{column.type[: _MAX_NAME - 1]}…")
        for column in table.columns[: _MAX_ITEMS * 10]
        if _is_name(column.name)
    )
    names = {column.name for column in columns}
    if columns == table.columns:
        return table
    return replace(
        table,
        columns=columns,
        primary_key=table.primary_key if names.issuperset(table.primary_key) else (),
        foreign_keys=tuple(key for key in table.foreign_keys if names.issuperset(key.columns)),
    )


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _MAX_NAME and "\x00" not in text


def _table_entry(table: Table) -> dict[str, Json]:
    return {
        "name": table.name,
        "comment": table.comment,
        "row_count": table.row_count,
        "is_view": table.is_view,
        "primary_key": list(table.primary_key),
        "columns": [_column_entry(column) for column in table.columns],
    }


def _column_entry(column: Column) -> dict[str, Json]:
    return {
        "name": column.name,
        "type": column.type,
        "kind": column.kind,
        "nullable": column.nullable,
        "comment": column.comment,
    }


def _key_entry(table: Table, key: ForeignKey) -> dict[str, Json]:
    return {
        "table": table.name,
        "columns": list(key.columns),
        "target_table": key.target_table,
        "target_columns": list(key.target_columns),
        "inferred": key.inferred,
    }


def _sample_entry(table: Table, column: Column) -> dict[str, Json]:
    return {"table": table.name, "column": column.name, **_profile_entry(column)}


def _profile_entry(column: Column) -> dict[str, Json]:
    return {
        "samples": list(column.samples),
        "distinct_count": column.distinct_count,
        "minimum": column.minimum,
        "maximum": column.maximum,
    }


class _Profile:
    """One column's entry of the samples document, checked."""

    def __init__(self, entry: Mapping[str, Json], place: str) -> None:
        self.samples = tuple(_scalar(value, place) for value in _list(entry.get("samples"), f"{place}.samples", _MAX_ITEMS))
        self.distinct_count = _count(entry.get("distinct_count"), f"{place}.distinct_count")
        self.minimum = _scalar(entry.get("minimum"), f"{place}.minimum")
        self.maximum = _scalar(entry.get("maximum"), f"{place}.maximum")


def _read_keys(document: Json) -> dict[str, list[ForeignKey]]:
    keys: dict[str, list[ForeignKey]] = {}
    if document is None:
        return keys
    for place, item in enumerate(_list(_object(document, KEYS_URI).get("foreign_keys"), "foreign_keys", _MAX_COLUMNS)):
        entry = _object(item, f"foreign_keys[{place}]")
        key = ForeignKey(
            columns=_names(entry.get("columns"), f"foreign_keys[{place}].columns"),
            target_table=_text(entry.get("target_table"), f"foreign_keys[{place}].target_table"),
            target_columns=_names(entry.get("target_columns"), f"foreign_keys[{place}].target_columns"),
            inferred=_truth(entry.get("inferred", False), f"foreign_keys[{place}].inferred"),
        )
        if not key.columns or len(key.columns) != len(key.target_columns):
            raise BadSchemaDocument(f"foreign_keys[{place}] does not pair its columns with the target's.")
        keys.setdefault(_text(entry.get("table"), f"foreign_keys[{place}].table"), []).append(key)
    return keys


def _read_profiles(document: Json) -> dict[tuple[str, str], _Profile]:
    if document is None:
        return {}
    profiles: dict[tuple[str, str], _Profile] = {}
    for place, item in enumerate(_list(_object(document, SAMPLES_URI).get("columns"), "columns", _MAX_COLUMNS)):
        where = f"columns[{place}]"
        entry = _object(item, where)
        names = _text(entry.get("table"), f"{where}.table"), _text(entry.get("column"), f"{where}.column")
        profiles[names] = _Profile(entry, where)
    return profiles


def _read_table(
    entry: Mapping[str, Json], keys: Mapping[str, Sequence[ForeignKey]], profiles: Mapping[tuple[str, str], _Profile]
) -> Table:
    name = _text(entry.get("name"), "tables[].name")
    columns = tuple(
        _read_column(_object(item, f"{name}.columns[{place}]"), name, profiles)
        for place, item in enumerate(_list(entry.get("columns"), f"{name}.columns", _MAX_ITEMS * 10))
    )
    if len({column.name for column in columns}) != len(columns):
        raise BadSchemaDocument(f"Two columns of {name[:_SHOWN]} have the same name.")
    return Table(
        name=name,
        columns=columns,
        primary_key=_names(entry.get("primary_key", []), f"{name}.primary_key"),
        foreign_keys=tuple(keys.get(name, ())),
        comment=_comment(entry.get("comment"), f"{name}.comment"),
        row_count=_count(entry.get("row_count"), f"{name}.row_count"),
        is_view=_truth(entry.get("is_view", False), f"{name}.is_view"),
    )


def _read_column(entry: Mapping[str, Json], table: str, profiles: Mapping[tuple[str, str], _Profile]) -> Column:
    name = _text(entry.get("name"), f"{table}.columns[].name")
    place = f"{table}.{name}"
    kind = entry.get("kind")
    profile = profiles.get((table, name)) or _Profile({"samples": []}, place)
    return Column(
        name=name,
        type=_text(entry.get("type", ""), f"{place}.type", may_be_empty=True),
        kind=_kind(kind, place),
        nullable=_truth(entry.get("nullable", True), f"{place}.nullable"),
        comment=_comment(entry.get("comment"), f"{place}.comment"),
        samples=profile.samples,
        distinct_count=profile.distinct_count,
        minimum=profile.minimum,
        maximum=profile.maximum,
    )


def _without_dangling_keys(table: Table, known: Mapping[str, set[str]]) -> Table:
    kept = tuple(
        key
        for key in table.foreign_keys
        if known[table.name].issuperset(key.columns) and known.get(key.target_table, set()).issuperset(key.target_columns)
    )
    primary_key = table.primary_key if known[table.name].issuperset(table.primary_key) else ()
    if kept == table.foreign_keys and primary_key == table.primary_key:
        return table
    return Table(
        name=table.name, columns=table.columns, primary_key=primary_key, foreign_keys=kept, comment=table.comment,
        row_count=table.row_count, is_view=table.is_view,
    )  # fmt: skip


def _object(value: Json, place: str) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise BadSchemaDocument(f"{place[:_SHOWN]} is not an object.")
    return value


def _list(value: Json, place: str, most: int) -> list[Json]:
    if not isinstance(value, list):
        raise BadSchemaDocument(f"{place[:_SHOWN]} is not a list.")
    if len(value) > most:
        raise BadSchemaDocument(f"{place[:_SHOWN]} has more than {most} items.")
    return value


def _text(value: Json, place: str, *, may_be_empty: bool = False) -> str:
    if not isinstance(value, str) or not (_is_name(value) or (may_be_empty and not value)):
        raise BadSchemaDocument(f"{place[:_SHOWN]} is not a text of 1 to {_MAX_NAME} characters.")
    return value


def _names(value: Json, place: str) -> tuple[str, ...]:
    return tuple(_text(item, place) for item in _list(value, place, _MAX_ITEMS))


def _comment(value: Json, place: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadSchemaDocument(f"{place[:_SHOWN]} is not a text.")
    return value[:_MAX_TEXT]


def _kind(value: Json, place: str) -> ColumnKind:
    for kind in get_args(ColumnKind):
        if value == kind:
            found: ColumnKind = kind
            return found
    raise BadSchemaDocument(f"{place[:_SHOWN]}.kind is not one of {', '.join(sorted(_KINDS))}.")


def _truth(value: Json, place: str) -> bool:
    if not isinstance(value, bool):
        raise BadSchemaDocument(f"{place[:_SHOWN]} is neither true nor false.")
    return value


def _count(value: Json, place: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadSchemaDocument(f"{place[:_SHOWN]} is not a count.")
    return value


def _scalar(value: Json, place: str) -> Scalar:
    if isinstance(value, (list, dict)):
        raise BadSchemaDocument(f"{place[:_SHOWN]} is not a single value.")
    return value[:_MAX_TEXT] if isinstance(value, str) else value
