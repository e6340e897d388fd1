"""Choose the adapter by URL or path."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from mcp_gateway.adapters.databases.duckdb import DuckDbDriver
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
    scheme, path = _split(url)
    if scheme in ("duckdb", "sqlite", "file"):
        return _open_path(path, scheme, threads)
    raise BadDatabaseUrl(f"The scheme {scheme} is not known.", scheme=scheme)


def _split(url: str) -> tuple[str, Path]:
    """The scheme ("file" for a bare path) and, for files, the path."""
    if not url.strip() or "\x00" in url:
        raise BadDatabaseUrl("The database URL is empty.")
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", url)
    if not found:
        return "file", Path(url).expanduser()
    scheme = found.group(1).lower()
    parts = urlsplit(url)
    # SQLAlchemy's habit: three slashes for a relative path, four for an absolute one. file:// has its own: three is absolute.
    path = unquote(parts.path) if scheme == "file" else unquote(parts.path.removeprefix("/"))
    return scheme, Path(unquote(parts.netloc) + path if scheme != "file" else path).expanduser()


def _open_path(path: Path, scheme: str, threads: int) -> Database:
    if str(path) in ("", ".", ":memory:") and scheme != "file":
        raise BadDatabaseUrl("An in-memory database holds nothing to ask about; give a file.")
    if scheme == "sqlite" or (scheme == "file" and _is_sqlite(path)):
        return ThreadedDatabase(SqliteDriver(path), threads=threads)
    if scheme == "duckdb" or _is_duckdb(path):
        return ThreadedDatabase(DuckDbDriver(path), threads=threads)
    raise BadDatabaseUrl(f"{path.name} is none of the files that can be opened.", path=str(path))


def _is_sqlite(path: Path) -> bool:
    head = _head(path)
    return head.startswith(_SQLITE_HEADER) or (not head and path.suffix.lower() in _SQLITE)


def _is_duckdb(path: Path) -> bool:
    head = _head(path)
    return head[8:12] == _DUCKDB_MARK or (not head and path.suffix.lower() in _DUCKDB)


def _head(path: Path) -> bytes:
    """The first bytes; none when there is no such file yet."""
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError:
        return b""
