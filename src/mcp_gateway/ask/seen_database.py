"""The database's server as one caller sees it: every call of a question goes through here, so no step can get round the rights.

What the steps send is the SQL that was meant; what the server gets is the same over the tables, columns and rows the caller may
read. What comes back says nothing of the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from mcp_gateway.access.data.conceal import conceal
from mcp_gateway.access.data.kept import Kept
from mcp_gateway.access.data.model import DataRights
from mcp_gateway.access.data.printing import print_restricted
from mcp_gateway.access.data.restrict import restrict
from mcp_gateway.access.data.stored_values import (
    VERIFY_SECONDS,
    WHOLE,
    places_to_search,
    verification_of,
)
from mcp_gateway.ask.errors import UpstreamToolError
from mcp_gateway.ask.ports import ResourceContent, ResourceListing, UpstreamServer
from mcp_gateway.core.errors import Forbidden, GatewayError, Json, TimedOut
from mcp_gateway.core.sql.errors import QueryRefused
from mcp_gateway.core.sql.read_only import check_read_only

# As many columns as the tool `find_values` takes at once.
_MOST_COLUMNS = 500


@dataclass(frozen=True, slots=True)
class Executable:
    """A query's text as its author may see it, and the text that runs."""

    asked: str
    restricted: str
    rights: DataRights


class SeenDatabase:
    """Implements `ask.ports.UpstreamServer` before another, for one caller. `made` keeps restricted queries of all callers."""

    def __init__(self, server: UpstreamServer, rights: DataRights, made: "Kept[Executable]") -> None:
        self._server, self._rights, self._made = server, rights, made

    @property
    def name(self) -> str:
        return self._server.name

    @property
    def connected(self) -> bool:
        return self._server.connected

    async def connect(self) -> None:
        await self._server.connect()

    async def close(self) -> None:
        """The server belongs to everybody, so it stays open."""

    async def list_resources(self) -> ResourceListing:
        return ResourceListing(resources=())

    async def read_resource(self, uri: str) -> ResourceContent:
        """Raises `Forbidden`: resources speak of the whole database; the schema to be seen is gathered before."""
        raise Forbidden(f"The resource {uri} is not read here.")

    async def watch_resources(self, uris: Sequence[str], on_change: Callable[[str], None], on_end: Callable[[], None]) -> bool:
        del uris, on_change, on_end
        return False

    async def call_tool(self, name: str, arguments: Mapping[str, Json]) -> dict[str, Json]:
        """`execute_query` and `find_values`; every other tool is refused as `Forbidden`."""
        match name:
            case "execute_query":
                return await self._execute(arguments)
            case "find_values":
                return await self._find(arguments)
            case _:
                raise Forbidden(f"The tool {name} is not called here.")

    async def _execute(self, arguments: Mapping[str, Json]) -> dict[str, Json]:
        sql = str(arguments["sql"])
        executable = self._restricted(sql)
        try:
            result = await self._server.call_tool("execute_query", {**arguments, "sql": executable.restricted})
        except UpstreamToolError as error:
            raise self._concealed(error, sql) from None
        return {**result, "executed_sql": executable.asked}

    def _restricted(self, sql: str) -> Executable:
        """Raises `UpstreamToolError`, as the server itself does for a query it cannot run."""
        try:
            return self._made.get((sql, id(self._rights)), lambda: _restrict(sql, self._rights))
        except GatewayError as error:
            raise UpstreamToolError(
                error.message, server=self.name, tool="execute_query", reported_code=error.code, reported=error.data
            ) from error

    def _concealed(self, error: UpstreamToolError, sql: str) -> UpstreamToolError:
        """Everything in it that was said about another text than the caller's is left out."""
        said = error.reported.get("database_message")
        message = conceal(said if isinstance(said, str) else error.message, sql, self._rights)
        reported: dict[str, Json] = {"kind": error.reported.get("kind"), "reason": error.reported.get("reason")}
        if isinstance(said, str):
            reported["database_message"] = message
            reported["name"] = error.reported.get("name") if message == said else None
        return UpstreamToolError(
            message if isinstance(said, str) else conceal(error.message, sql, self._rights),
            server=error.server, tool=error.tool, reported_code=error.reported_code, reported=reported,
        )  # fmt: skip

    async def _find(self, arguments: Mapping[str, Json]) -> dict[str, Json]:
        """Two searches, so that values of rows that may not be seen have no say in which others are found."""
        tables = arguments.get("tables")
        places = places_to_search(self._rights, [str(name) for name in tables] if isinstance(tables, list) else ())
        free, complete = await self._search(arguments, places.open)
        found, found_all = await self._search(arguments, places.limited)
        limited, verified = await self._verified([one for one in found if one.get("how") in WHOLE])
        matches = sorted((*free, *limited), key=_score)
        return {"matches": cast("Json", matches), "complete": complete and found_all and verified}

    async def _search(self, arguments: Mapping[str, Json], places: Sequence[str]) -> tuple[list[dict[str, Json]], bool]:
        """The matches in these columns; of more columns than the tool takes, in the first of them."""
        if not places:
            return [], True
        given: dict[str, Json] = {key: value for key, value in arguments.items() if key != "tables"}
        result = await self._server.call_tool("find_values", {**given, "columns": list(places[:_MOST_COLUMNS])})
        matches = result.get("matches")
        wanted = frozenset(place.casefold() for place in places)
        read = [one for one in matches if isinstance(one, dict)] if isinstance(matches, list) else []
        kept = [one for one in read if f"{one.get('table')}.{one.get('column')}".casefold() in wanted]
        return kept, result.get("complete") is True and len(places) <= _MOST_COLUMNS

    async def _verified(self, matches: list[dict[str, Json]]) -> tuple[list[dict[str, Json]], bool]:
        """Those whose value stands in a row that may be seen; none where that cannot be found out."""
        try:
            verification = verification_of((_stored(one) for one in matches), self._rights)
            if verification is None:
                return [], True
            arguments: dict[str, Json] = {
                "sql": verification.sql,
                "max_rows": verification.most_rows,
                "timeout_seconds": VERIFY_SECONDS,
            }
            result = await self._server.call_tool("execute_query", arguments)
        except (UpstreamToolError, TimedOut, QueryRefused):
            return [], False
        rows = result.get("rows")
        seen = verification.seen([row for row in rows if isinstance(row, list)] if isinstance(rows, list) else [])
        return [one for one in matches if _stored(one) in seen], not result.get("truncated")


def _restrict(sql: str, rights: DataRights) -> Executable:
    dialect = rights.schema.dialect
    tree = check_read_only(sql, dialect)
    return Executable(sql, print_restricted(restrict(tree, rights, dialect), dialect), rights)


def _stored(match: Mapping[str, Json]) -> tuple[str, str, str]:
    return str(match.get("table")), str(match.get("column")), str(match.get("value"))


def _score(match: Mapping[str, Json]) -> float:
    score = match.get("score")
    return -score if isinstance(score, int | float) else 0.0
