"""A form as SQL of one dialect: built as sqlglot's tree, never as text.

CURRENT_DATE and its kin inside glossary expressions become the day of the question, so that an answer never depends on the
server's clock.
"""

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from mcp_gateway.ask.engine import form
from mcp_gateway.ask.engine.form_walk import nodes
from mcp_gateway.ask.engine.printing_days import weekday
from mcp_gateway.ask.engine.printing_within import best_within
from mcp_gateway.core.errors import SQLGenerationError

_SIMPLE = re.compile(r"[a-z_][a-z0-9_]*\Z")
_SIMPLE_ANY_CASE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_CASE_MATTERS = frozenset({"postgres", "redshift", "snowflake", "oracle"})
_RESERVED = frozenset(
    """all and any as asc between by case cast check column constraint create cross current_date current_time current_timestamp
    current_user current_role current_schema current_catalog session_user system_user default delete desc distinct drop
    else end except exists false fetch for foreign from full grant group having in index inner
    insert intersect into is join key left like limit natural not null offset on or order outer primary references replace
    right row rows
    select set some table then to transaction true union unique update user using values view when where window with date time
    timestamp
    year month day interval rank range match count""".split()
)
_AGGREGATES: dict[str, type[exp.AggFunc]] = {"count": exp.Count, "sum": exp.Sum, "avg": exp.Avg, "min": exp.Min, "max": exp.Max}
_COMPARISONS: dict[str, type[exp.Binary]] = {"=": exp.EQ, "!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}
_ARITHMETIC: dict[str, type[exp.Binary]] = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul}
_SETS: dict[str, type[exp.SetOperation]] = {"union": exp.Union, "intersect": exp.Intersect, "except": exp.Except}


def to_sql(query: form.Query, dialect: str, now: datetime) -> str:
    """The query as SQL. Raises `SQLGenerationError` when a glossary expression cannot be read in this dialect."""
    return Printer(dialect, now).query(query).sql(dialect=dialect, copy=False)


@lru_cache(maxsize=512)
def _tree(text: str, dialect: str | None) -> exp.Expr:
    """The tree of a glossary text, to be copied and not changed."""
    return parse_one(text, dialect=dialect)


class Printer:
    """Builds trees for one dialect and one moment."""

    def __init__(self, dialect: str, now: datetime) -> None:
        self._dialect = dialect
        self._now = now
        self._qualify = False

    def query(self, query: form.Query) -> exp.Query:
        """The tree of a whole query."""
        if isinstance(query, form.SetOperation):
            return self._set_operation(query)
        return self._select(query)

    def _set_operation(self, query: form.SetOperation) -> exp.Query:
        made = _SETS[query.operator](this=self.query(query.left), expression=self.query(query.right), distinct=True)
        if query.order_by:
            made = made.order_by(*(self._order(order) for order in query.order_by), copy=False)
        return made.limit(query.limit, copy=False) if query.limit is not None else made

    def _select(self, select: form.Select) -> exp.Select:
        outer, self._qualify = self._qualify, bool(select.joins) or self._is_correlated(select)
        made = exp.select(*([self._target(target) for target in select.targets] or [self._star(select)]), copy=False)
        made = made.from_(self._table(select.base), copy=False)
        for join in select.joins:
            on = exp.and_(*(exp.EQ(this=self.expression(a), expression=self.expression(b)) for a, b in join.pairs), copy=False)
            made = made.join(self._table(join.table), on=on, join_type="left" if join.outer else None, copy=False)
        if select.where:
            made = made.where(*(self.condition(part) for part in select.where), copy=False)
        if select.group_by:
            made = made.group_by(*(self.expression(key) for key in select.group_by), copy=False)
        if select.having:
            made = made.having(*(self.condition(part) for part in select.having), copy=False)
        made = best_within(made, select, self._name, self.expression, self._order) if select.within else self._cut(made, select)
        self._qualify = outer
        return made

    def _cut(self, made: exp.Select, select: form.Select) -> exp.Select:
        if select.order_by:
            made = made.order_by(*(self._order(order) for order in select.order_by), copy=False)
        if select.limit is not None:
            made = made.limit(select.limit, copy=False)
        if select.offset:
            made = made.offset(select.offset, copy=False)
        return made.distinct(copy=False) if select.distinct else made

    def _is_correlated(self, select: form.Select) -> bool:
        refs = [
            node
            for node in nodes((select.targets, select.where, select.having), into_queries=True)
            if isinstance(node, form.Exists)
        ]
        return bool(refs)

    def _star(self, select: form.Select) -> exp.Expr:
        return exp.Column(this=exp.Star(), table=self._name(self._alias(select.base))) if select.joins else exp.Star()

    def _alias(self, table: form.TableRef) -> str:
        plain = table.table.rsplit(".", 1)[-1]
        return plain if table.instance == 0 else f"{plain}_{table.instance + 1}"

    def _table(self, table: form.TableRef) -> exp.Expr:
        *schema, name = table.table.split(".", 1) if "." in table.table else [table.table]
        made = exp.Table(this=self._name(name), db=self._name(schema[0]) if schema else None)
        return exp.alias_(made, self._name(self._alias(table)), table=True, copy=False) if table.instance else made

    def _name(self, name: str) -> exp.Identifier:
        simple = _SIMPLE if self._dialect in _CASE_MATTERS else _SIMPLE_ANY_CASE
        quoted = simple.match(name) is None or name.lower() in _RESERVED
        return exp.to_identifier(name, quoted=quoted)

    def _target(self, target: form.Target) -> exp.Expr:
        made = self.expression(target.expression)
        return exp.alias_(made, self._name(target.name), copy=False) if target.name else made

    def _order(self, order: form.Order) -> exp.Expr:
        return exp.Ordered(this=self.expression(order.expression), desc=order.descending, nulls_first=self._nulls_first(order))

    def _nulls_first(self, order: form.Order) -> bool:
        """What the dialect does by itself, so that nothing is printed for it."""
        return not order.descending if self._dialect in {"sqlite", "mysql"} else order.descending and self._dialect == "postgres"

    def expression(self, node: form.Expression) -> exp.Expr:
        """The tree of a value."""
        match node:
            case form.ColumnRef():
                table = self._name(self._alias(node.source)) if self._qualify else None
                return exp.Column(this=self._name(node.column), table=table)
            case form.Literal():
                return self._literal(node)
            case form.Aggregate():
                return self._aggregate(node)
            case form.Truncation():
                return self._truncation(node)
            case form.DatePart():
                return self._date_part(node)
            case form.Arithmetic():
                return self._arithmetic(node)
            case form.RawExpression():
                return self._raw_expression(node)
            case form.ScalarQuery():
                return exp.Subquery(this=self._inner(node.query))

    def _inner(self, query: form.Query) -> exp.Query:
        return self.query(query)

    def _literal(self, literal: form.Literal) -> exp.Expr:
        value = literal.value
        if value is None:
            return exp.Null()
        if literal.kind == "boolean" and self._dialect != "sqlite":
            return exp.Boolean(this=bool(value))
        if literal.kind in {"date", "timestamp"}:
            return self._moment(str(value))
        if isinstance(value, bool):
            return exp.Literal.number(int(value))
        if isinstance(value, int | float):
            return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))
        return exp.Literal.string(str(value))

    def _moment(self, text: str) -> exp.Expr:
        plain = exp.Literal.string(text.replace("T", " "))
        if self._dialect == "sqlite":
            return plain
        return exp.Cast(this=plain, to=exp.DataType.build("timestamp" if len(text) > 10 else "date"))

    def _aggregate(self, node: form.Aggregate) -> exp.Expr:
        kind = _AGGREGATES[node.function]
        if node.operand is None and node.condition is None:
            return exp.Count(this=exp.Star())
        operand = exp.Literal.number(1) if node.operand is None else self.expression(node.operand)
        if node.condition is not None:
            operand = exp.Case(ifs=[exp.If(this=self.condition(node.condition), true=operand)])
        return kind(this=exp.Distinct(expressions=[operand]) if node.distinct else operand)

    def _truncation(self, node: form.Truncation) -> exp.Expr:
        operand = self.expression(node.operand)
        if self._dialect != "sqlite":
            return exp.DateTrunc(  # type: ignore[no-untyped-call]  # sqlglot leaves its constructor untyped
                this=operand, unit=exp.Literal.string(node.unit.upper())
            )
        patterns = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d", "hour": "%Y-%m-%d %H:00"}
        if node.unit in patterns:
            return _strftime(patterns[node.unit], operand)
        if node.unit == "week":
            return exp.func("DATE", operand, exp.Literal.string("-6 days"), exp.Literal.string("weekday 1"))
        quarter = exp.Div(
            this=exp.Paren(this=exp.Add(this=_integer(_strftime("%m", operand.copy())), expression=exp.Literal.number(2))),
            expression=exp.Literal.number(3),
            typed=True,
        )
        year = exp.DPipe(this=_strftime("%Y", operand), expression=exp.Literal.string("-Q"))
        return exp.DPipe(this=year, expression=exp.Paren(this=quarter))

    def _date_part(self, node: form.DatePart) -> exp.Expr:
        operand = self.expression(node.operand)
        if node.unit in {"weekday", "weekday_number"}:
            return weekday(operand, self._dialect, named=node.unit == "weekday")
        if self._dialect != "sqlite":
            return exp.Extract(this=exp.Var(this=node.unit.upper()), expression=operand)
        pattern = {"year": "%Y", "month": "%m", "day": "%d", "week": "%W", "hour": "%H"}.get(node.unit)
        if pattern is not None:
            return _integer(_strftime(pattern, operand))
        return exp.Div(
            this=exp.Paren(this=exp.Add(this=_integer(_strftime("%m", operand)), expression=exp.Literal.number(2))),
            expression=exp.Literal.number(3),
            typed=True,
        )

    def _arithmetic(self, node: form.Arithmetic) -> exp.Expr:
        left, right = self.expression(node.left), self.expression(node.right)
        if node.operator != "/":
            return exp.Paren(this=_ARITHMETIC[node.operator](this=left, expression=right))
        divisor = exp.Nullif(this=right, expression=exp.Literal.number(0))
        real = exp.Cast(this=left, to=exp.DataType.build("real" if self._dialect == "sqlite" else "double"))
        return exp.Div(this=real, expression=divisor)

    def _raw_expression(self, node: form.RawExpression) -> exp.Expr:
        made = self._parsed(node.texts, node.name)
        if node.condition is None:
            return made
        condition = self.condition(node.condition)
        for aggregate in list(made.find_all(exp.AggFunc)):
            inner = aggregate.this
            if isinstance(inner, exp.Distinct):
                inner.set("expressions", [exp.Case(ifs=[exp.If(this=condition.copy(), true=each)]) for each in inner.expressions])
            else:
                value = exp.Literal.number(1) if isinstance(inner, exp.Star) else inner
                aggregate.set("this", exp.Case(ifs=[exp.If(this=condition.copy(), true=value.copy())]))
        return made

    def _parsed(self, texts: tuple[tuple[str, str], ...], name: str) -> exp.Expr:
        """A glossary text as a tree, its clock replaced by the question's."""
        by_dialect = dict(texts)
        text = by_dialect.get(self._dialect, by_dialect.get("default", ""))
        try:
            made = _tree(text, self._dialect if self._dialect in by_dialect else None)
        except SqlglotError as error:
            raise SQLGenerationError(f"The glossary's expression for {name!r} cannot be read: {error}", text=text) from error
        return made.transform(self._frozen)

    def _frozen(self, node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.CurrentDate):
            return self._moment(self._now.date().isoformat())
        if isinstance(node, exp.CurrentTimestamp):
            return self._moment(self._now.replace(tzinfo=None, microsecond=0).isoformat())
        return node

    def condition(self, node: form.Condition) -> exp.Expr:
        """The tree of a condition."""
        return _CONDITIONS[type(node)](self, node)

    def _comparison(self, node: form.Comparison) -> exp.Expr:
        return _COMPARISONS[node.operator](this=self.expression(node.left), expression=self.expression(node.right))

    def _in_list(self, node: form.InList) -> exp.Expr:
        made = exp.In(this=self.expression(node.operand), expressions=[self._literal(value) for value in node.values])
        return exp.Not(this=made) if node.negated else made

    def _in_query(self, node: form.InQuery) -> exp.Expr:
        made = exp.In(this=self.expression(node.operand), query=exp.Subquery(this=self._inner(node.query)))
        return exp.Not(this=made) if node.negated else made

    def _like(self, node: form.Like) -> exp.Expr:
        escaped = re.sub(r"([%_\\])", r"\\\1", node.text)
        pattern = {"contains": f"%{escaped}%", "starts": f"{escaped}%", "ends": f"%{escaped}"}[node.where]
        operand, literal = self.expression(node.operand), exp.Literal.string(pattern)
        if self._dialect in {"duckdb", "postgres", "snowflake"}:
            made: exp.Expr = exp.ILike(this=operand, expression=literal)
        elif self._dialect in {"sqlite", "mysql"}:
            made = exp.Like(this=operand, expression=literal)
        else:
            made = exp.Like(this=exp.Lower(this=operand), expression=exp.Literal.string(pattern.lower()))
        if escaped != node.text:
            made = exp.Escape(this=made, expression=exp.Literal.string("\\"))
        return exp.Not(this=made) if node.negated else made

    def _between(self, node: form.Between) -> exp.Expr:
        made = exp.Between(this=self.expression(node.operand), low=self._literal(node.low), high=self._literal(node.high))
        return exp.Not(this=made) if node.negated else made

    def _date_range(self, node: form.DateRange) -> exp.Expr:
        operand = self.expression(node.operand)
        parts: list[exp.Expr] = []
        if node.start is not None:
            parts.append(exp.GTE(this=operand, expression=self._moment(node.start)))
        if node.end is not None:
            parts.append(exp.LT(this=operand.copy(), expression=self._moment(node.end)))
        return exp.and_(*parts, copy=False) if parts else exp.true()

    def _raw_range(self, node: form.RawRange) -> exp.Expr:
        operand = self.expression(node.operand)
        low = exp.GTE(this=operand, expression=self._parsed(node.start, node.name))
        return exp.and_(low, exp.LT(this=operand.copy(), expression=self._parsed(node.end, node.name)), copy=False)

    def _is_null(self, node: form.IsNull) -> exp.Expr:
        made = exp.Is(this=self.expression(node.operand), expression=exp.Null())
        return exp.Not(this=made) if node.negated else made

    def _exists(self, node: form.Exists) -> exp.Expr:
        made = exp.Exists(this=self._inner(node.query))
        return exp.Not(this=made) if node.negated else made

    def _raw_condition(self, node: form.RawCondition) -> exp.Expr:
        return exp.Paren(this=self._parsed(node.texts, node.name))

    def _not(self, node: form.Not) -> exp.Expr:
        return exp.Not(this=exp.Paren(this=self.condition(node.condition)))

    def _and(self, node: form.And) -> exp.Expr:
        return exp.Paren(this=exp.and_(*(self.condition(part) for part in node.conditions), copy=False))

    def _or(self, node: form.Or) -> exp.Expr:
        return exp.Paren(this=exp.or_(*(self.condition(part) for part in node.conditions), copy=False))


_CONDITIONS: dict[type[form.Condition], Callable[..., exp.Expr]] = {
    form.Comparison: Printer._comparison,  # noqa: SLF001
    form.InList: Printer._in_list,  # noqa: SLF001
    form.InQuery: Printer._in_query,  # noqa: SLF001
    form.Like: Printer._like,  # noqa: SLF001
    form.Between: Printer._between,  # noqa: SLF001
    form.DateRange: Printer._date_range,  # noqa: SLF001
    form.RawRange: Printer._raw_range,  # noqa: SLF001
    form.IsNull: Printer._is_null,  # noqa: SLF001
    form.Exists: Printer._exists,  # noqa: SLF001
    form.RawCondition: Printer._raw_condition,  # noqa: SLF001
    form.Not: Printer._not,  # noqa: SLF001
    form.And: Printer._and,  # noqa: SLF001
    form.Or: Printer._or,  # noqa: SLF001
}


def _strftime(pattern: str, operand: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="STRFTIME", expressions=[exp.Literal.string(pattern), operand])


def _integer(node: exp.Expr) -> exp.Expr:
    return exp.Cast(this=node, to=exp.DataType.build("int"))
