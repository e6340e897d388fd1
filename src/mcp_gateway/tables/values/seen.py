"""Searching for stored values on behalf of somebody who may not see all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from mcp_gateway.access.data.model import DataRights
from mcp_gateway.access.data.stored_values import VERIFY_SECONDS, WHOLE, places_to_search, verification_of
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.tables.model import FoundValues, Limits, ValueMatch
from mcp_gateway.tables.ports import Database
from mcp_gateway.tables.values.finder import ValueFinder

_log = structlog.get_logger(__name__)

# Some of what is found stands in rows that may not be seen.
_MOST: Final = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What to look for; `tables` and `columns` (names, or `table.column`) narrow, empty means everywhere."""

    text: str
    tables: Sequence[str]
    columns: Sequence[str]
    limit: int


async def find_seen(
    database: Database, finder: ValueFinder, schema: DatabaseSchema, data: str | None, search: Search, rights: DataRights
) -> FoundValues:
    """As `ValueFinder.find`, over the columns and rows the rights allow: two searches, neither knowing of the other's values."""
    places = places_to_search(rights, search.tables, search.columns)

    async def find(columns: Sequence[str], limit: int) -> FoundValues:
        if not columns:
            return FoundValues(matches=(), complete=True)
        return await finder.find(schema, data, search.text, tables=(), columns=columns, limit=limit, seen=rights.schema)

    free = await find(places.open, search.limit)
    found = await find(places.limited, _MOST)
    limited, complete = await _seen(database, [one for one in found.matches if one.how in WHOLE], rights)
    matches = sorted((*free.matches, *limited), key=lambda one: -one.score)
    return FoundValues(matches=tuple(matches[: search.limit]), complete=free.complete and found.complete and complete)


async def _seen(database: Database, matches: Sequence[ValueMatch], rights: DataRights) -> tuple[list[ValueMatch], bool]:
    """Those that stand in rows to be seen, and whether that could be found out."""
    try:
        verification = verification_of(((one.table, one.column, str(one.value)) for one in matches), rights)
        if verification is None:
            return [], True
        limits = Limits(max_rows=verification.most_rows, timeout_seconds=VERIFY_SECONDS)
        raw = await database.run(verification.sql, limits)
    except GatewayError as error:
        _log.info("values_not_verified", code=error.code)
        return [], False
    seen = verification.seen(raw.rows)
    return [one for one in matches if (one.table, one.column, str(one.value)) in seen], raw.truncated_by is None
