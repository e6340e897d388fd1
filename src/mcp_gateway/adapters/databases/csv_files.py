"""A CSV file into a DuckDB table, whole: what DuckDB would skip or refuse is read cell by cell.

Left to itself DuckDB drops leading lines that do not fit the rest. Who asks for a total must not get it from part of a file.
"""

import csv
import gzip
import io
import zlib
from pathlib import Path
from typing import IO, Final

import duckdb
import structlog

from mcp_gateway.adapters.databases.file_words import without_folder
from mcp_gateway.core.sql.errors import DatabaseUnavailable

_log = structlog.get_logger(__name__)

# DuckDB gives up at cells beyond two megabytes, after tens of seconds of guessing; with room for them it reads them at once.
_WHOLE: Final = "skip = 0, max_line_size = 33554432"
_OPTIONS: Final = (_WHOLE, f"{_WHOLE}, sample_size = -1", f"{_WHOLE}, sample_size = -1, encoding = 'latin-1'")
_HINT: Final = "Mend the file or take it away; the next call reads it anew."
_DELIMITERS: Final = ",;\t|"
# Tried in this order on a column of texts; the first that every one of them fits is its type.
_TYPES: Final = ("BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "BOOLEAN")
_MAX_COLUMNS: Final = 5_000


class NoRoomForCopy(DatabaseUnavailable):
    """There is no room in the temporary directory for a copy of the files."""

    hint = "Free some space, or name another directory with TMPDIR; the files themselves are as they were."


def no_room(error: Exception) -> bool:
    """Whether it failed at writing: what is read is the user's, what is written is our copy."""
    return isinstance(error, OSError) or "Could not write" in str(error)


def copy_csv(database: duckdb.DuckDBPyConnection, file: Path, name: str) -> None:
    """Makes the table. Raises `DatabaseUnavailable` when the file cannot be read in any way."""
    for options in _OPTIONS:
        reading = f"read_csv({literal(str(file))}, {options})"
        try:
            run_on_file(database, file, f"CREATE OR REPLACE TABLE {quote(name)} AS SELECT * FROM {reading}")
        except NoRoomForCopy:
            raise
        except DatabaseUnavailable:
            continue
        if not _is_unsplit(database, name):
            return
    _copy_ragged(database, file, name)


def run_on_file(database: duckdb.DuckDBPyConnection, file: Path, statement: str) -> None:
    """Raises `DatabaseUnavailable` with the file's name and DuckDB's first words, or `NoRoomForCopy`."""
    try:
        database.execute(statement)
    except duckdb.Error as error:
        if no_room(error):
            raise NoRoomForCopy(file=file.name) from error
        words = without_folder(str(error), file).strip().splitlines()[0][:300]
        raise DatabaseUnavailable(f"{file.name} cannot be read: {words}", hint=_HINT, file=file.name) from error


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _is_unsplit(database: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether rows of different lengths kept DuckDB from seeing the delimiter: one column, named like several."""
    columns = database.execute(f"SELECT * FROM {quote(name)} LIMIT 0").description or ()
    return len(columns) == 1 and any(sign in str(columns[0][0]) for sign in _DELIMITERS)


def _copy_ragged(database: duckdb.DuckDBPyConnection, file: Path, name: str) -> None:
    """Rows of different lengths: short ones end in NULL, long ones get columns of their own."""
    try:
        encoding = _encoding(file)
        with _open_text(file, encoding) as lines:
            delimiter = max(_DELIMITERS, key=lines.readline(64 * 1024).count)
        with _open_text(file, encoding) as lines:
            rows = csv.reader(lines, delimiter=delimiter)
            header = next(rows, [])
            width = max((len(row) for row in rows), default=0)
    except (csv.Error, OSError, EOFError, zlib.error) as error:
        raise DatabaseUnavailable(f"{file.name} cannot be read: {error}", hint=_HINT, file=file.name) from error
    names = _column_names(header, max(width, len(header)))
    if not names or len(names) > _MAX_COLUMNS:
        raise DatabaseUnavailable(f"{file.name} has no columns, or more than {_MAX_COLUMNS}.", hint=_HINT, file=file.name)
    columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in names)
    reading = (
        f"read_csv({literal(str(file))}, auto_detect = false, header = true, delim = {literal(delimiter)}, quote = '\"', "
        f"escape = '\"', null_padding = true, strict_mode = false, encoding = '{encoding}', columns = {{{columns}}})"
    )
    run_on_file(database, file, f"CREATE OR REPLACE TABLE {quote(name)} AS SELECT * FROM {reading}")
    types = [_narrowest_type(database, name, column) for column in names]
    cast = ", ".join(f"CAST({quote(column)} AS {kind}) AS {quote(column)}" for column, kind in zip(names, types, strict=True))
    run_on_file(database, file, f"CREATE OR REPLACE TABLE {quote(name)} AS SELECT {cast} FROM {quote(name)}")
    _log.info("csv_read_leniently", file=file.name, columns=len(names), encoding=encoding)


def _narrowest_type(database: duckdb.DuckDBPyConnection, table: str, column: str) -> str:
    fits = ", ".join(f"COUNT(TRY_CAST({quote(column)} AS {kind}))" for kind in _TYPES)
    counts = database.execute(f"SELECT COUNT({quote(column)}), {fits} FROM {quote(table)}").fetchone() or (0,)
    return next((kind for kind, count in zip(_TYPES, counts[1:], strict=False) if counts[0] and count == counts[0]), "VARCHAR")


def _column_names(header: list[str], width: int) -> list[str]:
    """The header's names, made distinct; columns beyond it, and nameless ones, are numbered."""
    names: list[str] = []
    for place in range(width):
        name = (header[place].strip() if place < len(header) else "") or f"column{place}"
        while name.casefold() in {taken.casefold() for taken in names}:
            name = f"{name}_{place}"
        names.append(name)
    return names


def _encoding(file: Path) -> str:
    try:
        with _open_text(file, "utf-8") as lines:
            for _ in iter(lambda: lines.read(1024 * 1024), ""):
                pass
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _open_text(file: Path, encoding: str) -> IO[str]:
    if file.suffix.lower() == ".gz":
        return io.TextIOWrapper(gzip.GzipFile(file), encoding=encoding, newline="")
    return file.open(encoding=encoding, newline="")
