"""Stored values that stand in a question, found by the tool `find_values` of the server with the database. Trusts no answer."""

from typing import Literal, TypeAlias, get_args

from mcp_gateway.ask.model import ValueMatch
from mcp_gateway.ask.ports import UpstreamServer
from mcp_gateway.core.errors import Json, ResourceFetchError

How: TypeAlias = Literal["exact", "folded", "stem", "prefix", "contains", "fuzzy"]

TOOL = "find_values"
# More than a question of any length can mean; a hostile server could send millions.
MAX_MATCHES = 500
MAX_VALUE_CHARS = 2_000


async def find_values(database: UpstreamServer, question: str) -> tuple[tuple[ValueMatch, ...], bool]:
    """The matches, and whether the search was complete.

    Raises what `call_tool` raises, and `ResourceFetchError` when the answer has not the agreed shape.
    """
    result = await database.call_tool(TOOL, {"text": question})
    matches = result.get("matches")
    if not isinstance(matches, list):
        message = f"The tool {TOOL} of the MCP server {database.name} answered without a list of matches."
        raise ResourceFetchError(message, server=database.name, tool=TOOL)
    read = [match for entry in matches[:MAX_MATCHES] if (match := _read(entry, len(question))) is not None]
    complete = result.get("complete") is True and len(read) == len(matches)
    return tuple(read), complete


def _read(entry: Json, length: int) -> ValueMatch | None:
    """The match; None when the entry is none, or points outside the question."""
    if not isinstance(entry, dict):
        return None
    start, end, score = entry.get("start"), entry.get("end"), entry.get("score")
    table, column, value = entry.get("table"), entry.get("column"), entry.get("value")
    how = next((one for one in get_args(How) if one == entry.get("how")), None)
    if not (_is_index(start) and _is_index(end) and isinstance(start, int) and isinstance(end, int) and start < end <= length):
        return None
    if not (isinstance(table, str) and isinstance(column, str) and table and column) or how is None:
        return None
    if isinstance(value, list | dict) or (isinstance(value, str) and len(value) > MAX_VALUE_CHARS):
        return None
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        return None
    return ValueMatch(start=start, end=end, table=table, column=column, value=value, score=float(score), how=how)


def _is_index(number: Json) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0
