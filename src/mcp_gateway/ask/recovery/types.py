"""Repairs for values whose type does not fit the column they meet: read the number or date in the text, or compare as text."""

import re
from collections.abc import Iterator
from datetime import date, datetime

from sqlglot import exp

from mcp_gateway.ask.recovery.patient import Patient, Proposal
from mcp_gateway.ask.scopes import Select, selects
from mcp_gateway.ask.structure import column_of, compared_literals, fits
from mcp_gateway.core.schema import Column

_DATE_SHAPES = ("%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%Y%m%d", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%B %d %Y")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_GROUPED = re.compile(r"[$€£]?\s*[+-]?\d{1,3}([, _']\d{3})*(\.\d+)?\s*[$€£%]?")


def fit_types(patient: Patient) -> Iterator[Proposal]:
    """Literals first; then a cast of the column, which keeps the filter and lets the database compare as text."""
    if patient.tree is None:
        return
    tree = patient.tree.copy()
    done = _mend_literals(tree, patient)
    if done:
        yield Proposal(sql=tree.sql(dialect=patient.dialect), repair="; ".join(done))
    tree = patient.tree.copy()
    done = [*_cast_totals(tree, patient), *_cast_compared(tree, patient)]
    if done:
        yield Proposal(sql=tree.sql(dialect=patient.dialect), repair="; ".join(done))


def _mend_literals(tree: exp.Expr, patient: Patient) -> list[str]:
    done: list[str] = []
    for select in selects(tree, patient.names.schema):
        for node in select.columns:
            column = column_of(node, select)
            for literal in compared_literals(node) if column else ():
                better = _better_literal(literal, column) if column else None
                if better is not None:
                    done.append(f"read {literal.sql()} as {better.sql()}")
                    literal.replace(better)
    return done + list(_mend_totals(tree))


def _mend_totals(tree: exp.Expr) -> Iterator[str]:
    """Numbers as text that a total is compared with: HAVING SUM(amount) > '1,000'."""
    for comparison in list(tree.find_all(exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ, exp.NEQ)):
        total, literal = comparison.this, comparison.expression
        if isinstance(total, (exp.Sum, exp.Avg, exp.Count)) and isinstance(literal, exp.Literal) and literal.is_string:
            better = _number(literal.name)
            if better is not None:
                yield f"read {literal.sql()} as {better.sql()}"
                literal.replace(better)


def _better_literal(literal: exp.Literal, column: Column) -> exp.Expr | None:
    text = literal.name
    if column.kind in {"integer", "number"} and literal.is_string:
        return _number(text)
    if column.kind in {"date", "timestamp"}:
        return _date(text) if not (literal.is_string and fits(text, column)) else None
    if column.kind == "text" and not literal.is_string:
        return exp.Literal.string(text)
    return None


def _number(text: str) -> exp.Expr | None:
    if not _GROUPED.fullmatch(text.strip()):
        return None
    return exp.Literal.number(re.sub(r"[^\d.+-]", "", text))


def _date(text: str) -> exp.Expr | None:
    """The day as ISO text; a day and month that may be swapped are not guessed."""
    stripped = text.strip()
    if slashed := _SLASHED.fullmatch(stripped):
        first, second, year = (int(part) for part in slashed.groups())
        if first > 12 >= second:
            return _iso(year, second, first)
        return _iso(year, first, second) if second > 12 >= first or first == second else None
    for shape in _DATE_SHAPES:
        try:
            found = datetime.strptime(stripped, shape)  # noqa: DTZ007  # a calendar day has no zone
        except ValueError:
            continue
        return exp.Literal.string(found.date().isoformat())
    return None


def _iso(year: int, month: int, day: int) -> exp.Expr | None:
    try:
        return exp.Literal.string(date(year, month, day).isoformat())
    except ValueError:
        return None


def _cast_totals(tree: exp.Expr, patient: Patient) -> Iterator[str]:
    """SUM and AVG over a text column."""
    for select in selects(tree, patient.names.schema):
        for node in select.columns:
            column = column_of(node, select)
            if column and column.kind == "text" and isinstance(node.parent, (exp.Sum, exp.Avg)):
                node.replace(exp.cast(node.copy(), exp.DType.DOUBLE))
                yield f"read {column.name} as a number"


def _cast_compared(tree: exp.Expr, patient: Patient) -> Iterator[str]:
    """LIKE on a number or date, and two columns of different kinds compared: as text."""
    for select in selects(tree, patient.names.schema):
        for node in select.columns:
            column = column_of(node, select)
            if column is None or column.kind == "text":
                continue
            if isinstance(node.parent, (exp.Like, exp.ILike)) or _meets_text(node, select, column):
                node.replace(exp.cast(node.copy(), exp.DType.TEXT))
                yield f"compared {column.name} as text"


def _meets_text(node: exp.Column, select: Select, column: Column) -> bool:
    parent = node.parent
    if not isinstance(parent, (exp.EQ, exp.NEQ)):
        return False
    other = parent.expression if parent.this is node else parent.this
    known = column_of(other, select) if isinstance(other, exp.Column) else None
    return known is not None and known.kind == "text" and column.kind != "text"
