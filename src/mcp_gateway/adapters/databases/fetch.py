"""Rows from a session into JSON-safe values, cut at the limits. Runs in a worker thread."""

from collections.abc import Callable, Sequence

from mcp_gateway.adapters.databases.sessions import Rows
from mcp_gateway.core.errors import Json
from mcp_gateway.tables.json_values import to_json
from mcp_gateway.tables.model import Limits, RawResult, TruncatedBy

# Small enough that a caller's cancellation and the byte cap are noticed soon, large enough that calls do not count.
_BATCH_ROWS = 200
# The first rows decide a column's kind where the engine has no types.
_FIRST_ROWS = 50
# Rows of huge cells are taken a few at a time, so that no more than this and one further row lie in memory before being cut.
BATCH_BYTES = 8 * 1024 * 1024
_CELL_BYTES = 32


def fetch_rows(rows: Rows, limits: Limits) -> RawResult:
    """Reads one row more than `limits.max_rows` to know whether there are more."""
    first = rows.fetch(min(_FIRST_ROWS, limits.max_rows + 1))
    columns = rows.columns(first)
    kept: list[tuple[Json, ...]] = []
    truncated_by: TruncatedBy | None = None
    size = 0
    batch = first
    while batch and truncated_by is None:
        for row in batch:
            if len(kept) == limits.max_rows:
                truncated_by = "rows"
                break
            cells = [to_json(value, limits.max_cell_bytes) for value in row]
            size += sum(cell.size for cell in cells) + len(cells)
            if size > limits.max_bytes and kept:
                truncated_by = "bytes"
                break
            kept.append(tuple(cell.value for cell in cells))
        else:
            batch = rows.fetch(min(_BATCH_ROWS, limits.max_rows + 1 - len(kept)))
    return RawResult(columns=columns, rows=tuple(kept), truncated_by=truncated_by)


def fetch_within(fetch_one: Callable[[], Sequence[object] | None], count: int) -> list[Sequence[object]]:
    """At most `count` rows, fewer (one at least) when their texts and blobs pass `BATCH_BYTES`; empty at the end."""
    rows: list[Sequence[object]] = []
    size = 0
    while len(rows) < count and size < BATCH_BYTES and (row := fetch_one()) is not None:
        rows.append(row)
        size += row_bytes(row)
    return rows


def row_bytes(row: Sequence[object]) -> int:
    """About how much memory a row takes."""
    return _CELL_BYTES * len(row) + sum(len(value) for value in row if isinstance(value, (str, bytes, list, dict)))
