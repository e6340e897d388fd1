"""The guard in front of every database: is this text exactly one query that only reads?

It parses, then allows: node types and functions by list (`allowed.py`), everything else is refused with the nearest reason. It
does not look at the schema, and it is the first of two guards: the engine's own read-only mode stands behind it. What was
checked is the tree, so print the tree for running (`print_checked`), never the original text.
"""

import difflib
import re
from typing import Final, NoReturn

from sqlglot import exp

from mcp_gateway.core.sql.allowed import ALLOWED_NODES, TABLE_FUNCTION_NAMES, TABLE_NODES, allowed_function_names
from mcp_gateway.core.sql.dialects import MySqlAndMariaDb
from mcp_gateway.core.sql.errors import QueryRefused, QuerySyntaxError, RefusalReason
from mcp_gateway.core.sql.growth import LARGEST_VALUE, value_size
from mcp_gateway.core.sql.parsing import parse_bounded, too_deep
from mcp_gateway.core.sql.refused import function_reason, is_bare_function, statement_reason, table_reason, words_for

_MAX_TREE_DEPTH: Final = 120
_PLAIN_WORDS: Final = re.compile(r"[\w.][\w. ]*")
_PLAIN_LIMIT: Final = re.compile(r"( LIMIT \d{1,9})?")
# Chains of these are parsed and printed without recursion: a thousand terms are no depth.
_CHAINS: Final = (exp.And, exp.Or, exp.Add, exp.Sub, exp.Mul, exp.DPipe, exp.SetOperation)
_NAMED_FUNCTIONS: Final = (exp.Anonymous, exp.AnonymousAggFunc, exp.CombinedAggFunc, exp.ParameterizedAgg)
# Schemas whose functions are the engine's own.
_FUNCTION_SCHEMAS: Final = frozenset({"pg_catalog"})


def check_read_only(sql: str, dialect: str) -> exp.Query:
    """The checked query as a tree.

    Raises `QuerySyntaxError` when the text is not SQL of the dialect, `QueryRefused` when it is and may not run.
    """
    statements = [tree for tree in parse_bounded(sql, dialect) if not isinstance(tree, exp.Semicolon)]
    if not statements:
        raise QueryRefused("There is no statement.", reason="empty")
    if len(statements) > 1:
        raise QueryRefused(f"One statement at a time, please; these are {len(statements)}.", reason="many_statements")
    return _check_tree(statements[0], dialect)


def print_checked(query: exp.Query, dialect: str, *, checked: str = "") -> str:
    """The text to run: printed from the checked tree, without comments, so that nothing unseen comes along.

    The text is checked itself, because a printer may write a name bare that was quoted; unless it is, a plain limit at its end
    aside, the very text that was `checked` before. Raises `QueryRefused`.
    """
    try:
        printed = query.sql(dialect=MySqlAndMariaDb if dialect == "mysql" else dialect, comments=False)
    except RecursionError as error:
        raise too_deep() from error
    if checked and printed.startswith(checked) and _PLAIN_LIMIT.fullmatch(printed, len(checked)):
        return printed
    try:
        check_read_only(printed, dialect)
    except QuerySyntaxError as error:
        raise QueryRefused("The statement cannot be printed safely.", reason="unknown_syntax") from error
    return printed


def _check_tree(tree: exp.Expr, dialect: str) -> exp.Query:
    if isinstance(tree, exp.Values):
        # VALUES on its own is a query too; as one it can be limited and counted like any other.
        tree = exp.select("*").from_(tree)
    if not isinstance(tree, exp.Query):
        reason = statement_reason(tree)
        name = str(tree.this) if isinstance(tree, exp.Command) else tree.key
        _refuse(f"{name.upper()} is not allowed", reason if reason != "unknown_syntax" else "not_a_query", name)
    names = allowed_function_names(dialect)
    waiting: list[tuple[exp.Expr, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _MAX_TREE_DEPTH:
            raise too_deep()
        _check_node(node, names)
        if isinstance(node, exp.Column):
            _check_column(node, dialect)
        elif isinstance(node, exp.In) and dialect == "sqlite":
            _check_membership(node)
        inside = isinstance(node, _CHAINS)
        waiting += [(child, depth if inside and type(child) is type(node) else depth + 1) for child in node.iter_expressions()]
    return tree


def _check_node(node: exp.Expr, names: frozenset[str]) -> None:
    if isinstance(node, _NAMED_FUNCTIONS):
        _check_named_function(node, names)
    elif type(node) not in ALLOWED_NODES:
        name = node.sql_name() if isinstance(node, exp.Func) else node.key.upper()
        reason = function_reason(type(node).__name__) if isinstance(node, exp.Func) else statement_reason(node)
        _refuse(f"{name} is not allowed", reason if reason != "unknown_function" else statement_reason(node), name)
    _check_bare_texts(node)
    if isinstance(node, exp.Func) and value_size(node) > LARGEST_VALUE:
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
        _refuse(f"{name.upper()} is too large here", "too_large", name)
    if isinstance(node, exp.Table):
        _check_table(node)
    elif isinstance(node, exp.Lateral):
        _check_source(node.this)
    elif isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
        schema = node.this.name.lower() if isinstance(node.this, (exp.Column, exp.Identifier)) else ""
        if schema not in _FUNCTION_SCHEMAS:
            _refuse(f"The function {node.sql()} is not one of the engine's own", "unknown_function", node.sql())


def _check_column(column: exp.Column, dialect: str) -> None:
    name = column.this
    if isinstance(name, exp.Identifier) and not name.quoted and not column.table and is_bare_function(name.name, dialect):
        raise QueryRefused(
            f"The function {name.name} is not allowed: {words_for('settings')}.",
            reason="settings",
            name=name.name,
            hint="If a column is meant, put its name in quotation marks or its table in front.",
        )


def _check_membership(within: exp.In) -> None:
    """SQLite reads `x IN name` as the rows of the table of that name, in quotation marks of either kind or none."""
    field = within.args.get("field")
    if isinstance(field, (exp.Column, exp.Literal)):
        reason = table_reason("", field.text("table"), field.name)
        if reason:
            _refuse(f"The table {field.name} is not allowed", reason, field.name)


def _check_bare_texts(node: exp.Expr) -> None:
    """Texts that are printed without quotes, though they may have come with them: they must be plain words."""
    text = node.this if isinstance(node, exp.Var) else node.args.get("kind") if isinstance(node, exp.DataType) else None
    if isinstance(text, str) and not _PLAIN_WORDS.fullmatch(text):
        _refuse(f"{text[:40]} is not allowed as a bare word", "unknown_syntax", text[:40])


def _check_named_function(node: exp.Expr, names: frozenset[str]) -> None:
    name = node.name.lower()
    if name in names or (name in TABLE_FUNCTION_NAMES and isinstance(node.parent, (exp.Table, exp.Lateral))):
        return
    # With its schema in front a known function is parsed as an unknown one.
    if exp.FUNCTION_BY_NAME.get(name.upper()) in ALLOWED_NODES:
        return
    reason = function_reason(name)
    nearest = tuple(difflib.get_close_matches(name, names, n=3, cutoff=0.75)) if reason == "unknown_function" else ()
    raise QueryRefused(f"The function {name} is not allowed: {words_for(reason)}.", reason=reason, name=name, nearest=nearest)


def _check_table(table: exp.Table) -> None:
    for rows_from in table.args.get("rows_from") or ():
        _check_source(rows_from.this if isinstance(rows_from, exp.Table) else rows_from)
    source = table.this
    if source is None:
        return
    if not isinstance(source, exp.Identifier):
        _check_source(source)
        return
    parts = [part.name for part in table.parts[:-1]]
    schema, catalog = (parts[-1] if parts else ""), (parts[-2] if len(parts) > 1 else "")
    reason = table_reason(catalog, schema, source.name)
    if reason:
        _refuse(f"The table {source.name} is not allowed", reason, source.name)


def _check_source(source: exp.Expr) -> None:
    """What stands in FROM and is not the name of a table."""
    if isinstance(source, (exp.Query, exp.Values)) or type(source) in TABLE_NODES:
        return
    name = source.name.lower() if isinstance(source, exp.Anonymous) else ""
    if name in TABLE_FUNCTION_NAMES:
        return
    reason: RefusalReason = function_reason(name or type(source).__name__)
    shown = name or source.key.upper()
    _refuse(f"{shown} may not stand in FROM", reason if reason != "unknown_function" else "table_function", shown)


def _refuse(what: str, reason: RefusalReason, name: str) -> NoReturn:
    raise QueryRefused(f"{what}: {words_for(reason)}.", reason=reason, name=name)
