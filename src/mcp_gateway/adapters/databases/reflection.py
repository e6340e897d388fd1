"""What is in a database behind SQLAlchemy: its inspector's findings as our tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

import sqlalchemy
from sqlalchemy.engine.reflection import Inspector, ObjectKind, ObjectScope

from mcp_gateway.core.schema import Column, ForeignKey, Table
from mcp_gateway.tables.column_kinds import kind_of_type

# Schemas that belong to the engine, in lower case.
_SYSTEM_SCHEMAS = frozenset({"information_schema", "pg_catalog", "pg_toast", "mysql", "performance_schema", "sys", "system"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Relation:
    """A table or view that may be read; `schema` None: the default one, so names need none in front."""

    schema: str | None
    name: str
    is_view: bool = False
    row_count: int | None = None

    @property
    def shown(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


class _Wanted(TypedDict):
    """What the inspector's calls over a whole schema take."""

    schema: str | None
    filter_names: list[str]
    kind: ObjectKind
    scope: ObjectScope


def list_relations(connection: sqlalchemy.Connection) -> list[Relation]:
    """Every table and view outside the system's schemas, for engines without a better list of their own."""
    inspector = sqlalchemy.inspect(connection)
    default = inspector.default_schema_name
    relations = []
    schemas: list[str | None] = [name for name in inspector.get_schema_names() if name.lower() not in _SYSTEM_SCHEMAS]
    for schema in schemas or [None]:
        shown = None if schema in (None, default) or len(schemas) <= 1 else schema
        relations += [Relation(schema=shown, name=name) for name in inspector.get_table_names(schema)]
        relations += [Relation(schema=shown, name=name, is_view=True) for name in inspector.get_view_names(schema)]
    return relations


def reflect_tables(connection: sqlalchemy.Connection, relations: list[Relation]) -> tuple[Table, ...]:
    """Columns, keys and comments of these relations, by name."""
    inspector = sqlalchemy.inspect(connection)
    tables = []
    for schema in sorted({relation.schema for relation in relations}, key=lambda name: name or ""):
        of_schema = {relation.name: relation for relation in relations if relation.schema == schema}
        tables += _reflect_schema(inspector, schema, of_schema)
    return tuple(sorted(tables, key=lambda table: table.name.casefold()))


def _reflect_schema(inspector: Inspector, schema: str | None, relations: Mapping[str, Relation]) -> list[Table]:
    wanted = _Wanted(schema=schema, filter_names=list(relations), kind=ObjectKind.ANY, scope=ObjectScope.ANY)
    columns = inspector.get_multi_columns(**wanted)
    primary = inspector.get_multi_pk_constraint(**wanted)
    foreign = inspector.get_multi_foreign_keys(**wanted)
    comments = _comments(inspector, wanted)
    tables = []
    for key, found in columns.items():
        relation = relations[key[1]]
        keys = tuple(
            ForeignKey(
                columns=tuple(entry["constrained_columns"]),
                target_table=_target(entry.get("referred_schema"), entry["referred_table"], inspector.default_schema_name),
                target_columns=tuple(entry["referred_columns"]),
            )
            for entry in foreign.get(key, ())
            if entry["referred_columns"]
        )
        constraint = primary.get(key)
        tables.append(
            Table(
                name=relation.shown,
                columns=tuple(_column(inspector, entry) for entry in found),
                primary_key=tuple(constraint["constrained_columns"]) if constraint else (),
                foreign_keys=keys,
                comment=comments.get(key[1]),
                row_count=relation.row_count,
                is_view=relation.is_view,
            )
        )
    return tables


def _column(inspector: Inspector, entry: "sqlalchemy.engine.interfaces.ReflectedColumn") -> Column:
    name = _type_name(inspector, entry["type"])
    return Column(
        name=entry["name"],
        type=name,
        kind="text" if isinstance(entry["type"], sqlalchemy.Enum) else kind_of_type(name),
        nullable=bool(entry.get("nullable", True)),
        comment=entry.get("comment") or None,
    )


def _type_name(inspector: Inspector, kind: "sqlalchemy.types.TypeEngine[object]") -> str:
    try:
        return kind.compile(dialect=inspector.dialect)
    except sqlalchemy.exc.CompileError:
        return type(kind).__name__.upper()


def _comments(inspector: Inspector, wanted: _Wanted) -> dict[str, str | None]:
    try:
        found = inspector.get_multi_table_comment(**wanted)
    except NotImplementedError:
        return {}
    return {name: entry.get("text") or None for (_, name), entry in found.items()}


def _target(schema: str | None, table: str, default: str | None) -> str:
    return table if schema in (None, default) else f"{schema}.{table}"
