"""A checked query made to read only what its author may: every table in it, wherever it stands, is put behind the rights.

A table that exists for the caller is written by its real name; where columns or rows are withheld, a derived table with the
visible columns and the filter takes its place under the same alias. Every other name gets the error of an unknown table. What
the query then says of columns is the database's to judge: hidden ones are not there.

Names of WITH are renamed, so that none can be taken for a table nor a table for one of them: which is which is decided here and
never left to an engine's own rules of scope.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias

from sqlglot import exp

from mcp_gateway.access.data.derived import derived_table, real_table
from mcp_gateway.access.data.model import DataRights, TableRights
from mcp_gateway.access.data.needed import needed_columns
from mcp_gateway.core.sql.errors import QueryFailed, QueryRefused
from mcp_gateway.core.sql.refused import words_for

# A name of WITH without case, and what it is called afterwards.
Names: TypeAlias = Mapping[str, str]

_NO_NAMES: Final[Names] = {}
# Parts of a table that are names of indexes, not of tables.
_HINTS: Final = ("hints", "indexed")
# Databases whose result columns are never called by the text of an expression.
_NAMES_WITHOUT_TEXT: Final = frozenset({"postgres"})
_LONGEST_NAME: Final = 60
_SYSTEM_SCHEMAS: Final = frozenset({"information_schema", "pg_catalog"})
_SYSTEM_TABLES: Final = frozenset(
    {"sqlite_master", "sqlite_schema", "sqlite_sequence", "sqlite_temp_master", "sqlite_temp_schema"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Restricted:
    """`altered`: something of a table it reads is withheld. `limited`: so are rows.

    `names` are the tables it reads by their real names, and what queries of WITH are called in it; True for those of which
    something is withheld.
    """

    query: exp.Query
    altered: bool
    limited: bool
    names: Mapping[str, bool]


def restrict(query: exp.Query, rights: DataRights, dialect: str) -> Restricted:
    """A new query; the one given, which has passed `check_read_only`, stays as it is.

    Raises `QueryFailed` (unknown_table) for every name that is not one of the caller's tables, `QueryRefused` for catalogs and
    for types that only the database knows.
    """
    tree = query.copy()
    _refuse_own_types(tree)
    if dialect == "sqlite":
        _spell_out_membership(tree)
    if dialect not in _NAMES_WITHOUT_TEXT:
        _name_outputs(tree, dialect)
    prefix = _fresh_prefix(tree, rights)
    places = list(_places(tree, prefix))
    found = [_find(table, rights) for table in places]
    needed = needed_columns(tree)
    _shorten_columns(tree, places)
    for node, table in zip(places, found, strict=True):
        node.replace(real_table(node, table, dialect) if table.whole else derived_table(node, table, dialect, needed))
    names = {cte.alias: False for cte in tree.find_all(exp.CTE)} | {table.name: not table.whole for table in found}
    return Restricted(
        query=tree, altered=any(not one.whole for one in found), limited=any(one.limits for one in found), names=names
    )


def _refuse_own_types(tree: exp.Expr) -> None:
    """A table's name is a type as well, and tells its columns; whether there is one must not be found out either."""
    for kind in tree.find_all(exp.DataType):
        if kind.this == exp.DType.USERDEFINED:
            name = kind.sql()[:100]
            raise QueryRefused(
                f"The type {name} is not allowed: {words_for('unknown_syntax')}.", reason="unknown_syntax", name=name
            )


def _name_outputs(tree: exp.Expr, dialect: str) -> None:
    """Engines call a result column by the text of its expression: let it be the text its author wrote."""
    for select in list(tree.find_all(exp.Select)):
        for output in select.expressions:
            if not isinstance(output, (exp.Alias, exp.Aliases, exp.Column, exp.Star)) and output.find(exp.Table):
                name = output.sql(dialect=dialect)[:_LONGEST_NAME]
                output.replace(exp.alias_(output.copy(), name, quoted=True))


def _spell_out_membership(tree: exp.Expr) -> None:
    """SQLite reads `x IN name` as the rows of a table; said in full, the table is a table to everybody."""
    for within in list(tree.find_all(exp.In)):
        field = within.args.get("field")
        if field is None:
            continue
        named = field if isinstance(field, exp.Column) else exp.Column(this=field)
        name, schema = _identifier(named.this), named.args.get("table")
        if name is None or named.args.get("db"):
            text = field.sql()[:100]
            raise QueryRefused(f"{text} is not a table.", reason="unknown_syntax", name=text)
        within.set("field", None)
        within.set("query", exp.Subquery(this=exp.select("*").from_(exp.Table(this=name, db=schema))))


def _identifier(name: exp.Expr | None) -> exp.Identifier | None:
    """SQLite takes a text in quotation marks of either kind for a name."""
    if isinstance(name, exp.Literal) and name.is_string:
        return exp.to_identifier(name.name, quoted=True)
    return name if isinstance(name, exp.Identifier) else None


def _places(tree: exp.Query, prefix: str) -> Iterator[exp.Table]:
    """Every place where a table is named; what a name of WITH stands for is renamed on the way.

    Goes down without recursion, since a chain of a thousand terms is a tree of that depth.
    """
    waiting: list[tuple[exp.Expr, Names]] = [(tree, _NO_NAMES)]
    count = 0
    while waiting:
        node, names = waiting.pop()
        with_ = node.args.get("with_")
        if isinstance(with_, exp.With):
            for cte in with_.expressions:
                count += 1
                fresh = f"{prefix}{count}"
                known = {**names, cte.alias.casefold(): fresh}
                waiting.append((cte.this, known if with_.args.get("recursive") else names))
                cte.args["alias"].set("this", exp.to_identifier(fresh))
                names = known
        if isinstance(node, exp.Table):
            for hint in _HINTS:
                node.set(hint, None)
            if isinstance(node.this, exp.Identifier) and not _rename(node, names):
                yield node
        waiting += [(child, names) for child in node.iter_expressions() if child is not with_]


def _rename(node: exp.Table, names: Names) -> bool:
    """Whether it stands for a query of WITH; then it is called as that is now, under its old name."""
    fresh = None if node.db or node.catalog else names.get(node.name.casefold())
    if fresh is None:
        return False
    old = node.this
    node.set("this", exp.to_identifier(fresh))
    alias = node.args.get("alias")
    if alias is None:
        node.set("alias", exp.TableAlias(this=old))
    elif alias.this is None:
        alias.set("this", old)
    return True


def _fresh_prefix(tree: exp.Query, rights: DataRights) -> str:
    """A beginning of names that nobody else uses, seen or unseen."""
    taken = {identifier.name.casefold() for identifier in tree.find_all(exp.Identifier)} | rights.withheld
    taken |= {name.casefold() for name in rights.tables}
    prefix = "with_"
    while any(name.startswith(prefix) for name in taken):
        prefix = f"{prefix}_"
    return prefix


def _find(node: exp.Table, rights: DataRights) -> TableRights:
    name = ".".join(part.name for part in node.parts)
    found = rights.find(name)
    if found is None:
        _refuse_name(node, name)
    return found


def _refuse_name(node: exp.Table, name: str) -> NoReturn:
    if node.db.casefold() in _SYSTEM_SCHEMAS or node.name.casefold() in _SYSTEM_TABLES:
        raise QueryRefused(
            f"The table {node.name} is not allowed: {words_for('system_table')}.", reason="system_table", name=node.name
        )
    raise unknown_table(name)


def unknown_table(name: str) -> QueryFailed:
    """The one error for a table that is not there and for one that may not be seen."""
    shown = name[:100]
    return QueryFailed(f"There is no table {shown!r}.", kind="unknown_table", name=shown)


def _shorten_columns(tree: exp.Expr, places: list[exp.Table]) -> None:
    """`sales.orders.id` is `orders.id` once an alias stands in the place of the table."""
    spelt: Set[tuple[str, str]] = {(node.db.casefold(), node.name.casefold()) for node in places if node.db}
    if not spelt:
        return
    for column in tree.find_all(exp.Column):
        if column.db and (column.db.casefold(), column.table.casefold()) in spelt:
            column.set("db", None)
            column.set("catalog", None)
