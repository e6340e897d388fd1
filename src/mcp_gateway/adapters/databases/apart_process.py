"""The other side of `apart.py`: reads a request, runs its statement within bounds of memory and processor time, answers, ends."""

import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import duckdb

from mcp_gateway.adapters.databases.duckdb import DuckDbDriver
from mcp_gateway.adapters.databases.fetch import fetch_rows
from mcp_gateway.adapters.databases.resident_memory import resident_bytes
from mcp_gateway.adapters.databases.sessions import Driver, Session
from mcp_gateway.adapters.databases.sqlite import SqliteDriver
from mcp_gateway.core.errors import Json
from mcp_gateway.core.sql.errors import DatabaseUnavailable
from mcp_gateway.tables.model import Limits

if sys.platform != "win32":
    import resource

# DuckDB's own limit, well below the system's: what it counts ends in its own words and may spill to disk.
_ENGINE_MEMORY: Final = "512MB"
_LOOK_SECONDS: Final = 0.01
# Cores times seconds; beyond it our parent has died and nobody stops us.
_PROCESSOR_FACTOR: Final = 8


def main() -> None:
    request = json.loads(sys.stdin.buffer.read())
    limits = Limits(**request["limits"])
    _bound(int(request["memory_bytes"]), limits.timeout_seconds)
    sys.stdout.write("began\n")
    sys.stdout.flush()
    sys.stdout.write(json.dumps(_answer(request, limits)))
    sys.stdout.flush()
    # Nothing is left to be tidied, and DuckDB's threads need not be waited for.
    os._exit(0)


def _answer(request: Mapping[str, Any], limits: Limits) -> dict[str, Json]:
    try:
        return _run(_driver(request).connect(), str(request["what"]), str(request["sql"]), limits)
    except (duckdb.Error, sqlite3.Error, DatabaseUnavailable, MemoryError) as error:
        return {"error": type(error).__name__, "words": str(error)}


def _driver(request: Mapping[str, Any]) -> Driver:
    path = Path(request["path"])
    if request["engine"] == "sqlite":
        return SqliteDriver(path)
    return DuckDbDriver(path, readable=tuple(Path(name) for name in request["readable"]), memory_limit=_ENGINE_MEMORY)


def _run(session: Session, what: str, sql: str, limits: Limits) -> dict[str, Json]:
    if what == "explain":
        return {"plan": session.explain(sql, limits)}
    with session.query(sql, limits.timeout_seconds) as rows:
        result = fetch_rows(rows, limits)
    return {
        "columns": [[column.name, column.type, column.kind] for column in result.columns],
        "rows": [list(row) for row in result.rows],
        "truncated_by": result.truncated_by,
    }


def _bound(memory_bytes: int, seconds: float) -> None:
    """The system's limits where it keeps them (Linux), and a look at the clock of memory everywhere."""
    if sys.platform != "win32":
        processor = int(seconds * _PROCESSOR_FACTOR) + 10
        resource.setrlimit(resource.RLIMIT_CPU, (processor, processor))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    threading.Thread(target=_watch, args=(memory_bytes,), daemon=True).start()


def _watch(memory_bytes: int) -> None:
    while resident_bytes() <= memory_bytes:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
