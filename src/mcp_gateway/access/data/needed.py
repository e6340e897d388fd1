"""Which columns a query may possibly read, so that a derived table need not list hundreds. Only ever too many, never too few."""

from collections.abc import Set
from typing import Final

from sqlglot import exp

# Constructs that take columns without naming them, or by their place.
_UNNAMED: Final = (exp.Columns, exp.PositionalColumn, exp.Pivot, exp.Lambda, exp.Comprehension)


def needed_columns(tree: exp.Expr) -> Set[str] | None:
    """Every name in the query, folded; None when columns may be read that are not named.

    That is so with stars, joins by all common names, whole rows, columns by place, and renamed columns.
    """
    names: set[str] = set()
    sources: set[str] = set()
    for node in tree.walk():
        if isinstance(node, exp.Identifier):
            names.add(node.name.casefold())
        elif isinstance(node, exp.Star):
            if not isinstance(node.parent, exp.Count):
                return None
        elif isinstance(node, exp.Join):
            if (node.args.get("method") or "").upper() == "NATURAL":
                return None
        elif isinstance(node, exp.Table):
            sources.add(node.alias_or_name.casefold())
        elif isinstance(node, _UNNAMED) or (isinstance(node, exp.TableAlias) and node.args.get("columns")):
            return None
    return names if _no_row_is_whole(tree, sources) else None


def _no_row_is_whole(tree: exp.Expr, sources: Set[str]) -> bool:
    """A column called like a table may be that table's whole row."""
    return all(column.name.casefold() not in sources for column in tree.find_all(exp.Column))
