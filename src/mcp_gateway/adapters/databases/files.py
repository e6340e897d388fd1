"""CSV, TSV and Parquet files as tables: one file, or a folder of them, each named after its file.

They are copied once into a DuckDB file in a temporary folder, which is then opened read-only and shut off like any other; large
Parquet files stay where they are and are read through a view, the only files that may be read. When a file changes, all is built
anew at the next signal.
"""

import contextlib
import re
import tempfile
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import duckdb

from mcp_gateway.adapters.databases.csv_files import NoRoomForCopy, copy_csv, literal, no_room, quote, run_on_file
from mcp_gateway.adapters.databases.duckdb import DuckDbDriver, DuckDbSession, file_identity
from mcp_gateway.adapters.databases.sessions import Rows
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.schema import Table
from mcp_gateway.core.sql.errors import DatabaseUnavailable
from mcp_gateway.tables.model import Limits, RawResult, Signal

FILE_NAME: Final = re.compile(r"\.(csv|tsv|parquet)(\.gz)?$", re.IGNORECASE)
_MAX_FILES: Final = 500
# Copying a Parquet file beyond this takes longer than reading it in place costs.
_COPIED_PARQUET_BYTES: Final = 256 * 1024 * 1024


class FilesDriver:
    """The files at `path`."""

    dialect = "duckdb"
    failures: tuple[type[Exception], ...] = (duckdb.Error,)
    growth_bytes = DuckDbDriver.growth_bytes

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._built: _Built | None = None

    def connect(self) -> "FilesSession":
        with self._lock:
            files = find_files(self._path)
            identity = _identity(files)
            if self._built is None or self._built.identity != identity:
                self._drop()
                self._built = _Built(files, identity)
            return FilesSession(self._built.driver.connect(), self._path, identity)

    def explain_failure(self, error: Exception, sql: str) -> GatewayError:
        built = self._built
        return (built.driver if built else DuckDbDriver(self._path)).explain_failure(error, sql)

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._built is not None:
            self._built.close()
            self._built = None


class _Built:
    """A DuckDB file made of the files, in a folder of its own that goes with it."""

    def __init__(self, files: Sequence[Path], identity: str) -> None:
        self.identity = identity
        with contextlib.ExitStack() as stack:
            try:
                folder = stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="mcp-gateway-tables-", ignore_cleanup_errors=True)
                )
                path = Path(folder) / "tables.duckdb"
                self.driver = DuckDbDriver(path, readable=_build(path, files))
            except (OSError, duckdb.IOException) as error:
                if no_room(error):
                    raise NoRoomForCopy from error
                raise
            self._folder = stack.pop_all()

    def close(self) -> None:
        self.driver.close()
        self._folder.close()


class FilesSession:
    """A DuckDB session that also notices when the files behind it change."""

    def __init__(self, session: DuckDbSession, path: Path, identity: str) -> None:
        self._session = session
        self._path = path
        self._identity = identity

    def query(self, sql: str, timeout_seconds: float) -> AbstractContextManager[Rows]:
        return self._session.query(sql, timeout_seconds)

    def run_apart(self, sql: str, limits: Limits) -> RawResult:
        return self._session.run_apart(sql, limits)

    def explain(self, sql: str, limits: Limits) -> str:
        return self._session.explain(sql, limits)

    def read_structure(self) -> tuple[Table, ...]:
        return self._session.read_structure()

    def read_signal(self) -> Signal:
        """Raises `DatabaseUnavailable` when the files have changed, so that the next session is made of the new ones."""
        if _identity(find_files(self._path)) != self._identity:
            raise DatabaseUnavailable(f"{self._path.name} has changed.", file=self._path.name)
        return Signal(structure=self._identity, data=self._identity)

    def interrupt(self) -> None:
        self._session.interrupt()

    def break_off(self) -> None:
        self._session.break_off()

    def close(self) -> None:
        self._session.close()


def find_files(path: Path) -> tuple[Path, ...]:
    """The file itself, or the folder's files that can be read, by name. Raises `DatabaseUnavailable` when there are none."""
    entries = sorted(path.iterdir()) if path.is_dir() else [path]
    found = [entry.absolute() for entry in entries if FILE_NAME.search(entry.name) and entry.is_file() and entry.stat().st_size]
    if not found and not path.exists():
        raise DatabaseUnavailable(f"There is no file {path.name}.", hint="Check the path.", file=path.name)
    if not found:
        what = f"{path.name} holds no CSV or Parquet file with anything in it" if path.is_dir() else f"{path.name} is empty"
        raise DatabaseUnavailable(
            f"{what}.", hint="Put a CSV, TSV or Parquet file with at least a line of column names there.", file=path.name
        )
    if len(found) > _MAX_FILES:
        raise DatabaseUnavailable(f"{path.name} has more than {_MAX_FILES} files.", file=path.name)
    return tuple(found)


def _identity(files: Sequence[Path]) -> str:
    return "|".join(f"{file.name}:{file_identity(file)}" for file in files)


def _build(path: Path, files: Sequence[Path]) -> tuple[Path, ...]:
    """Makes the database; returns the files its views read."""
    in_place = []
    names: set[str] = set()
    with duckdb.connect(str(path), config={"autoinstall_known_extensions": "false"}) as database:
        for file in files:
            name = _table_name(file, names)
            if ".parquet" not in file.name.lower():
                copy_csv(database, file, name)
                continue
            kind = "TABLE" if file.stat().st_size <= _COPIED_PARQUET_BYTES else "VIEW"
            run_on_file(database, file, f"CREATE {kind} {quote(name)} AS SELECT * FROM read_parquet({literal(str(file))})")
            if kind == "VIEW":
                in_place.append(file)
    return tuple(in_place)


def _table_name(file: Path, taken: set[str]) -> str:
    """The file's name without its endings, with underscores for whatever no plain name may hold; numbered when taken."""
    plain = re.sub(r"\W+", "_", FILE_NAME.sub("", file.name)).strip("_") or "table"
    plain = f"t_{plain}" if plain[0].isdigit() else plain
    name, number = plain, 2
    while name.lower() in taken:
        name, number = f"{plain}_{number}", number + 1
    taken.add(name.lower())
    return name
