"""What is in a SQLite file: tables, views, columns, keys, row counts. Odd objects are left out rather than failing the rest."""

import sqlite3

from mcp_gateway.core.schema import Column, ColumnKind, ForeignKey, Table
from mcp_gateway.tables.column_kinds import kind_of_type

# Counting walks the whole table, so a file of many gigabytes gets no counts (the planner's statistics, when it has any).
_COUNTABLE_PAGES = 250_000
# As many stored values tell what a column without a telling type holds.
_PEEKED_ROWS = 100
_STORED_KINDS: dict[str, ColumnKind] = {"text": "text", "integer": "integer", "real": "number", "blob": "binary"}


def read_tables(connection: sqlite3.Connection) -> tuple[Table, ...]:
    """Every table and view that a query can name, by name."""
    objects = connection.execute(
        "SELECT name, type, sql FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "ORDER BY name COLLATE NOCASE"
    ).fetchall()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    names = {name.casefold(): name for name, _, _ in objects}
    tables = []
    for name, kind, _ in objects:
        try:
            tables.append(_read_table(connection, name, names, is_view=kind == "view", countable=pages <= _COUNTABLE_PAGES))
        except sqlite3.DatabaseError:
            # A view over a dropped table, or a virtual table whose module is not here: nobody could query it either.
            continue
    return tuple(tables)


def _read_table(connection: sqlite3.Connection, name: str, names: dict[str, str], *, is_view: bool, countable: bool) -> Table:
    quoted = _quote(name)
    entries = connection.execute(f"PRAGMA table_xinfo({quoted})").fetchall()
    # hidden = 1: a column of a virtual table that SELECT * does not show.
    entries = [entry for entry in entries if entry[6] != 1]
    stored = _stored_kinds(connection, quoted, [entry[1] for entry in entries])
    columns = tuple(
        Column(
            name=entry[1],
            type=entry[2] or "",
            kind=_kind(entry[2] or "", stored.get(entry[1])),
            nullable=not entry[3] and not entry[5],
        )
        for entry in entries
    )
    key = tuple(entry[1] for entry in sorted((entry for entry in entries if entry[5]), key=lambda entry: entry[5]))
    row_count = None
    if countable and not is_view:
        (row_count,) = connection.execute(f"SELECT COUNT(*) FROM {quoted}").fetchone()
    return Table(
        name=name,
        columns=columns,
        primary_key=key,
        foreign_keys=_read_keys(connection, quoted, names),
        row_count=row_count,
        is_view=is_view,
    )


def _read_keys(connection: sqlite3.Connection, quoted: str, names: dict[str, str]) -> tuple[ForeignKey, ...]:
    """Declared keys; one without target columns means the target's primary key; one to a missing table is left out."""
    keys: dict[int, list[tuple[str, str, str | None]]] = {}
    for identity, _, target, source_column, target_column, *_ in connection.execute(f"PRAGMA foreign_key_list({quoted})"):
        keys.setdefault(identity, []).append((target, source_column, target_column))
    found = []
    for identity in sorted(keys):
        pairs = keys[identity]
        target = names.get(pairs[0][0].casefold())
        if target is None:
            continue
        target_columns = [column for _, _, column in pairs if column]
        if len(target_columns) != len(pairs):
            entries = connection.execute(f"PRAGMA table_info({_quote(target)})").fetchall()
            target_columns = [entry[1] for entry in sorted((e for e in entries if e[5]), key=lambda entry: entry[5])]
        if len(target_columns) == len(pairs):
            found.append(
                ForeignKey(
                    columns=tuple(column for _, column, _ in pairs), target_table=target, target_columns=tuple(target_columns)
                )
            )
    return tuple(found)


def _stored_kinds(connection: sqlite3.Connection, quoted: str, columns: list[str]) -> dict[str, ColumnKind]:
    """What kind most of the first stored values of each column are."""
    kinds: dict[str, ColumnKind] = {}
    selected = ", ".join(f"typeof({_quote(column)})" for column in columns)
    rows = connection.execute(f"SELECT {selected} FROM {quoted} LIMIT {_PEEKED_ROWS}").fetchall()
    for place, column in enumerate(columns):
        stored = [row[place] for row in rows if row[place] != "null"]
        if stored:
            # At a tie a stray text does not make a column of numbers one of texts.
            kinds[column] = _STORED_KINDS[max(sorted(set(stored)), key=lambda kind: (stored.count(kind), kind != "text"))]
    return kinds


def _kind(declared: str, stored: ColumnKind | None) -> ColumnKind:
    """The declared kind unless what is stored cannot be that: text in an INT column is text."""
    kind = kind_of_type(declared)
    if stored is None:
        return kind
    if kind == "other":
        return stored
    if stored == "text" and kind in ("integer", "number"):
        return "text"
    if stored == "integer" and kind == "number":
        return "number"
    return kind


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
