"""Choose the adapter by URL or path."""

import re
from importlib import import_module
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from mcp_gateway.adapters.databases.duckdb import DuckDbDriver
from mcp_gateway.adapters.databases.files import FILE_NAME, FilesDriver
from mcp_gateway.adapters.databases.sessions import Driver
from mcp_gateway.adapters.databases.sqlite import SqliteDriver
from mcp_gateway.adapters.databases.threaded import ThreadedDatabase
from mcp_gateway.tables.errors import BadDatabaseUrl
from mcp_gateway.tables.ports import Database

_DUCKDB: Final = frozenset({".duckdb", ".ddb"})
_SQLITE: Final = frozenset({".sqlite", ".sqlite3", ".db", ".db3"})
_SQLITE_HEADER: Final = b"SQLite format 3\x00"
_DUCKDB_MARK: Final = b"DUCK"


def open_database(url: str, *, threads: int = 4) -> Database:
    """The database at a URL or path; nothing is opened yet.

    `duckdb:///rel.duckdb`, `duckdb:////abs.duckdb`, `sqlite:///x.sqlite`, a bare path to either (told apart by their first
    bytes), a CSV, TSV or Parquet file or a folder of them, `postgresql://`, `mysql://`, `mariadb://`, and any other SQLAlchemy
    URL whose dialect is installed. Raises `BadDatabaseUrl`.
    """
    if not url.strip() or "\x00" in url:
        raise BadDatabaseUrl("The database URL is empty.")
    scheme, path = _split(url)
    if scheme in ("duckdb", "sqlite", "file"):
        return ThreadedDatabase(_file_driver(path, scheme), threads=threads)
    # By name, as commands are: the clients of all those servers take longer to import than most files to open.
    driver: Driver = import_module("mcp_gateway.adapters.databases.open_server").server_driver(url)
    return ThreadedDatabase(driver, threads=threads)


def _split(url: str) -> tuple[str, Path]:
    """The scheme ("file" for a bare path) and, for files, the path."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", url)
    if not found:
        return "file", Path(url).expanduser()
    scheme = found.group(1).lower()
    rest = unquote(url[found.end() :].partition("?")[0])
    # SQLAlchemy's habit: three slashes for a relative path, four for an absolute one. file:// has its own: three is absolute.
    return scheme, Path(rest if scheme == "file" else rest.removeprefix("/")).expanduser()


def _file_driver(path: Path, scheme: str) -> Driver:
    if str(path) in ("", ".", ":memory:") and scheme != "file":
        raise BadDatabaseUrl("An in-memory database holds nothing to ask about; give a file.")
    if scheme == "sqlite" or (scheme == "file" and _is_sqlite(path)):
        return SqliteDriver(path)
    if scheme == "duckdb" or _is_duckdb(path):
        return DuckDbDriver(path)
    if path.is_dir() or FILE_NAME.search(path.name):
        return FilesDriver(path)
    what = "none of the files that can be opened" if path.exists() else "no file, folder or URL"
    raise BadDatabaseUrl(f"{path.name} is {what}.", file=path.name)


def _is_sqlite(path: Path) -> bool:
    head = _head(path)
    return head.startswith(_SQLITE_HEADER) or (head[8:12] != _DUCKDB_MARK and path.suffix.lower() in _SQLITE)


def _is_duckdb(path: Path) -> bool:
    return _head(path)[8:12] == _DUCKDB_MARK or path.suffix.lower() in _DUCKDB


def _head(path: Path) -> bytes:
    """The first bytes; none when there is no such file yet."""
    try:
        # Reading a pipe would wait for whoever writes to it.
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(16)
    except OSError:
        return b""
