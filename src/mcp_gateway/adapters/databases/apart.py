"""One statement over a database file in a process of its own, whose memory the operating system bounds.

DuckDB and SQLite neither count nor interrupt what functions make within one step; out of `repeat` they take what the machine has.
The process ends with the statement, so whatever happens in it happens to nobody else. `apart_process.py` is its other side.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final, Literal, TypeAlias, cast

from mcp_gateway.core.errors import Json
from mcp_gateway.core.schema import ColumnKind
from mcp_gateway.core.sql.errors import DatabaseUnavailable, QueryCancelled, QueryTooLarge
from mcp_gateway.tables.model import Limits, RawResult, ResultColumn, TruncatedBy

# All the process may take, Python and DuckDB themselves included.
APART_BYTES: Final = 768 * 1024 * 1024
_MODULE: Final = "mcp_gateway.adapters.databases.apart_process"
# The caller kills it at the time limit; this is the net below.
_END_SECONDS: Final = 10.0
# Processes at a time over one database; further statements wait for one to end.
MOST_APART: Final = 2
# How soon one that waits for its turn notices that nobody wants it any more.
_TURN_SECONDS: Final = 0.05

_Reply: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True, kw_only=True, slots=True)
class ApartFile:
    """What the process opens. `failures` is the engine's module of errors; theirs are named over there and raised here."""

    engine: Literal["duckdb", "sqlite"]
    path: Path
    failures: ModuleType
    readable: tuple[Path, ...] = ()


class ApartStatement:
    """Runs one statement at most; `kill` may come from any thread, before, while or after."""

    def __init__(self, file: ApartFile, turns: threading.Semaphore) -> None:
        """`turns` bounds how many run at a time."""
        self._file = file
        self._turns = turns
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    def run(self, sql: str, limits: Limits) -> RawResult:
        """Raises `QueryTooLarge`, `QueryCancelled`, `DatabaseUnavailable` and the engine's own errors."""
        reply = self._ask("run", sql, limits)
        return RawResult(
            columns=tuple(
                ResultColumn(name=str(name), type=str(kind_name), kind=cast("ColumnKind", kind))
                for name, kind_name, kind in cast("list[list[str]]", reply["columns"])
            ),
            rows=tuple(tuple(row) for row in cast("list[list[Json]]", reply["rows"])),
            truncated_by=cast("TruncatedBy | None", reply["truncated_by"]),
        )

    def explain(self, sql: str, limits: Limits) -> str:
        """Raises as `run`: the planner computes what is constant."""
        return str(self._ask("explain", sql, limits)["plan"])

    def kill(self) -> None:
        with self._lock:
            self._killed = True
            if self._process is not None:
                self._process.kill()

    def _ask(self, what: str, sql: str, limits: Limits) -> _Reply:
        request = {
            "what": what,
            "engine": self._file.engine,
            "path": str(self._file.path),
            "readable": [str(path) for path in self._file.readable],
            "sql": sql,
            "memory_bytes": APART_BYTES,
            "limits": {
                "max_rows": limits.max_rows, "max_bytes": limits.max_bytes, "max_cell_bytes": limits.max_cell_bytes,
                "timeout_seconds": limits.timeout_seconds,
            },
        }  # fmt: skip
        # What the process spills goes into a folder of ours: killed, it clears nothing away.
        with self._turn(), tempfile.TemporaryDirectory(prefix="mcp-gateway-spill-", ignore_cleanup_errors=True) as folder:
            output = self._talk(json.dumps(request).encode(), folder, limits.timeout_seconds + _END_SECONDS)
        lines = output.splitlines()
        if self._killed:
            raise QueryCancelled
        if not lines:
            raise DatabaseUnavailable("The process for this query could not be started.")
        if len(lines) == 1:
            # It began and was ended by the system or by itself.
            raise QueryTooLarge(limit_bytes=APART_BYTES)
        return _reply(lines[1], self._file.failures)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        while not self._turns.acquire(timeout=_TURN_SECONDS):
            if self._killed:
                raise QueryCancelled
        try:
            yield
        finally:
            self._turns.release()

    def _talk(self, request: bytes, folder: str, seconds: float) -> bytes:
        """All the process says: one line when it begins, one with its answer."""
        with self._lock:
            if self._killed:
                return b""
            # Nothing of our environment, which may hold keys; a session of its own, so that Ctrl-C reaches us alone.
            process = subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
                [sys.executable, "-m", _MODULE],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env={"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": folder}, cwd=folder, start_new_session=True,
            )  # fmt: skip
            self._process = process
        with process:
            try:
                output, _ = process.communicate(request, timeout=seconds)
            except subprocess.TimeoutExpired:
                self._killed = True
                return b""
            finally:
                process.kill()
        return output


def _reply(line: bytes, failures: ModuleType) -> _Reply:
    reply = cast("dict[str, Json]", json.loads(line))
    if "error" not in reply:
        return reply
    if reply["error"] in ("OutOfMemoryException", "MemoryError"):
        raise QueryTooLarge(limit_bytes=APART_BYTES)
    if reply["error"] == "DatabaseUnavailable":
        raise DatabaseUnavailable(str(reply["words"]))
    kind: type[Exception] = getattr(failures, str(reply["error"]), failures.Error)
    raise kind(str(reply["words"]))
