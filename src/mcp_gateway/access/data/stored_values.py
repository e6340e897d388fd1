"""Whether stored values that a search found stand in rows the caller may see: one bounded query over the limited tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from mcp_gateway.access.data.model import DataRights
from mcp_gateway.access.data.printing import print_restricted
from mcp_gateway.access.data.restrict import restrict
from mcp_gateway.access.data.row_limits import is_plain_text
from mcp_gateway.core.errors import Json

VERIFY_SECONDS: Final = 2.0
# A question means a handful of values; whatever is found beyond these is left out.
MOST_VERIFIED: Final = 200

# How a value was found that stands whole in the text. Whether a value like it, or a part of it, is found hangs on the values of
# other rows too, which would tell of them: in tables with limited rows only these count.
WHOLE: Final = frozenset({"exact", "folded", "stem"})

# Table, column and value.
Stored = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Verification:
    """`sql` tells which of the values are seen, by the number of the place and the value; it is restricted already."""

    sql: str
    places: tuple[tuple[str, str], ...]
    most_rows: int = field(default=MOST_VERIFIED)

    def seen(self, rows: Iterable[Sequence[Json]]) -> frozenset[Stored]:
        """What the rows of the query's result say."""
        found = set()
        for row in rows:
            place, value = (row[0], row[1]) if len(row) == 2 else (None, None)
            if isinstance(place, int) and 0 <= place < len(self.places) and isinstance(value, str):
                found.add((*self.places[place], value))
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Places:
    """Text columns to search, as `table.column`: those whose every row may be seen, and those of tables with limited rows."""

    open: tuple[str, ...]
    limited: tuple[str, ...]


def places_to_search(rights: DataRights, tables: Iterable[str] = (), columns: Iterable[str] = ()) -> Places:
    """`tables` and `columns` (names, or `table.column`) narrow, empty means everywhere."""
    of, wanted = {name.casefold() for name in tables}, {name.casefold() for name in columns}
    places = [
        (table.name, f"{table.name}.{column.name}")
        for table in rights.schema.tables
        for column in table.columns
        if column.kind == "text"
        and (not of or table.name.casefold() in of)
        and (not wanted or not wanted.isdisjoint((column.name.casefold(), f"{table.name}.{column.name}".casefold())))
    ]
    return Places(
        open=tuple(place for table, place in places if table not in rights.limited),
        limited=tuple(place for table, place in places if table in rights.limited),
    )


def verification_of(found: Iterable[Stored], rights: DataRights) -> Verification | None:
    """None when nothing found stands in a table with limited rows. Raises `QueryRefused` for values that cannot be asked for."""
    by_place: dict[tuple[str, str], set[str]] = {}
    for table, column, value in list(dict.fromkeys(one for one in found if rights.is_limited(one[0])))[:MOST_VERIFIED]:
        by_place.setdefault((table, column), set()).add(value)
    if not by_place:
        return None
    places = tuple(by_place)
    selects = [_select(number, place, sorted(by_place[place]), rights) for number, place in enumerate(places)]
    asked = [one for one in selects if one is not None]
    if not asked:
        return None
    query: exp.Query = asked[0] if len(asked) == 1 else exp.union(*asked, distinct=False, copy=False)
    dialect = rights.schema.dialect
    return Verification(print_restricted(restrict(query, rights, dialect), dialect), places)


def _select(number: int, place: tuple[str, str], values: list[str], rights: DataRights) -> exp.Select | None:
    table = rights.schema.table(place[0])
    column = table.column(place[1]) if table is not None else None
    if table is None or column is None:
        return None
    reference: exp.Expr = exp.column(column.name, quoted=True)
    if not is_plain_text(column):
        reference = exp.cast(reference, exp.DType.TEXT)
    parts = [table.name] if rights.schema.dialect == "sqlite" else table.name.split(".", 1)
    source = exp.Table(this=exp.to_identifier(parts[-1], quoted=True))
    if len(parts) > 1:
        source.set("db", exp.to_identifier(parts[0], quoted=True))
    within = exp.In(this=reference, expressions=[exp.Literal.string(value) for value in values])
    place_number = exp.alias_(exp.Literal.number(number), "place")
    return exp.select(place_number, exp.alias_(reference.copy(), "value")).distinct().from_(source).where(within)
