"""What stands in the place of a table: the table by its real name, or a derived table with its visible columns and rows.

Behind a filter stands a fence: a step that no optimizer moves a condition across. Without it an engine may try the query's own
conditions on rows the filter is yet to remove, and an error (`CAST(name AS INTEGER)`, a division) would tell of them.
"""

from collections.abc import Set
from typing import Final, TypeVar

from sqlglot import exp

from mcp_gateway.access.data.model import TableRights
from mcp_gateway.access.data.row_limits import condition
from mcp_gateway.core.sql.errors import QueryRefused

PlaceT = TypeVar("PlaceT", exp.Table, exp.Subquery)

# What a table is called within its derived table.
INNER: Final = "t"
# Databases whose tables have no schema in front, so that a dot belongs to the name.
_FLAT: Final = frozenset({"sqlite"})
_MYSQL_ALL_ROWS: Final = 18_446_744_073_709_551_615
# What a derived table may carry over from the table it replaces.
_CARRIED: Final = ("joins", "laterals", "pivots")
_REPLACED: Final = frozenset({"this", "db", "catalog", "alias", "only", "sample", *_CARRIED})


def real_table(node: exp.Table, rights: TableRights, dialect: str) -> exp.Table:
    """The table as the schema calls it, under the name the query knows it by."""
    table = _named(rights.name, dialect)
    table.set("alias", _alias(node))
    for part, value in node.args.items():
        if value and part not in _REPLACED:
            table.set(part, value)
    for part in ("only", "sample"):
        table.set(part, node.args.get(part))
    return _moved(node, table)


def derived_table(node: exp.Table, rights: TableRights, dialect: str, needed: Set[str] | None) -> exp.Subquery:
    """`needed` are the folded names the query may speak of; None: it may speak of any.

    Raises `QueryRefused` for what a table can do and a derived table cannot.
    """
    _check(node)
    columns = rights.columns
    if needed is not None:
        columns = tuple(name for name in columns if name.casefold() in needed) or rights.columns[:1]
    source = _named(rights.name, dialect)
    source.set("only", node.args.get("only"))
    source.set("alias", exp.TableAlias(this=exp.to_identifier(INNER)))
    query = exp.select(*_selected(columns, rights, dialect)).from_(source)
    for limit in rights.limits:
        query = query.where(condition(limit, INNER, dialect), copy=False)
    if rights.limits:
        _fence(query, dialect)
    subquery = exp.Subquery(this=query, alias=_alias(node))
    sample = node.args.get("sample")
    if sample is not None:
        if dialect != "duckdb":
            _refuse("TABLESAMPLE")
        subquery.set("sample", sample.copy())
    return _moved(node, subquery)


def _selected(columns: tuple[str, ...], rights: TableRights, dialect: str) -> list[exp.Expr]:
    """The columns as they are; where no fence is known, NULL in rows that the filter removes, whoever looks at them first."""
    selected: list[exp.Expr] = []
    for name in columns:
        value: exp.Expr = exp.column(name, table=INNER, quoted=True)
        if rights.limits and dialect not in _FENCES:
            seen = exp.and_(*(condition(limit, INNER, dialect) for limit in rights.limits))
            value = exp.Case(ifs=[exp.If(this=seen, true=value)])
        selected.append(exp.alias_(value, name, quoted=True))
    return selected


def _fence(query: exp.Select, dialect: str) -> None:
    match _FENCES.get(dialect):
        case "offset":
            query.set("offset", exp.Offset(expression=exp.Literal.number(0)))
        case "limit":
            rows = -1 if dialect == "sqlite" else _MYSQL_ALL_ROWS
            query.set("limit", exp.Limit(expression=exp.Literal.number(rows)))


_FENCES: Final = {"duckdb": "offset", "postgres": "offset", "sqlite": "limit", "mysql": "limit"}


def _named(name: str, dialect: str) -> exp.Table:
    parts = [name] if dialect in _FLAT else name.split(".", 1)
    table = exp.Table(this=exp.to_identifier(parts[-1], quoted=True))
    if len(parts) > 1:
        table.set("db", exp.to_identifier(parts[0], quoted=True))
    return table


def _alias(node: exp.Table) -> exp.TableAlias:
    """The alias the query gives, or the name it uses: columns are qualified with it."""
    given = node.args.get("alias")
    alias = given.copy() if isinstance(given, exp.TableAlias) else exp.TableAlias()
    if alias.this is None:
        alias.set("this", node.this.copy())
    return alias


def _moved(node: exp.Table, place: PlaceT) -> PlaceT:
    """What hangs on the table hangs on what takes its place: the very nodes, for tables in them are to be replaced in turn."""
    for part in _CARRIED:
        hanging = node.args.get(part)
        if hanging:
            node.set(part, None)
            place.set(part, hanging)
    return place


def _check(node: exp.Table) -> None:
    for part, value in node.args.items():
        if value and part not in _REPLACED:
            _refuse(part.replace("_", " ").upper())


def _refuse(what: str) -> None:
    raise QueryRefused(f"{what} is not allowed on this table.", reason="unknown_syntax", name=what)
