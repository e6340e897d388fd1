"""A form in one English sentence, so that a person can check what was understood without reading SQL:

"Total amount of sales where product is Magic Wand Pro, from 1 to 21 November 2026, by month". Knows no schema, no question.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from mcp_gateway.ask.engine import form
from mcp_gateway.ask.engine.date_phrases import phrase_of, read_moment
from mcp_gateway.ask.engine.plain_names import counted_column, counted_rows, plain, plain_column, plural, singular
from mcp_gateway.ask.engine.role_names import roles_named
from mcp_gateway.core.schema import Scalar

# What to call a stored value: (table, column, value) -> label.
Labels: TypeAlias = Mapping[tuple[str, str, Scalar], str]

_COMPARED = {"=": "is", "!=": "is not", "<": "is below", "<=": "is at most", ">": "is above", ">=": "is at least"}
_COMPARED_IN_TIME = {
    "=": "is",
    "!=": "is not",
    "<": "is before",
    "<=": "is no later than",
    ">": "is after",
    ">=": "is no earlier than",
}
_SIGNS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
# Names that say how, not what; the words for the calculation itself are clearer.
_CALCULATED = frozenset({"difference", "ratio", "product", "sum"})
_NO_LABELS: Labels = MappingProxyType({})
_NO_ROLES: Mapping[form.TableRef, str] = MappingProxyType({})


def describe(query: form.Query, labels: Labels = _NO_LABELS) -> str:
    """The sentence, without a full stop."""
    words = _Sentence(labels).query(query)
    return words[:1].upper() + words[1:]


class _Sentence:
    """`rows` is what one row of the query around is called, in the plural."""

    def __init__(self, labels: Labels, rows: str = "rows", roles: Mapping[form.TableRef, str] = _NO_ROLES) -> None:
        self._labels = labels
        self._rows = rows
        self._roles = roles

    def query(self, query: form.Query) -> str:
        if isinstance(query, form.Select):
            roles = roles_named(query)
            return _Sentence(self._labels, counted_rows(query, roles), roles).select(query)
        joint = {"union": "together with", "intersect": "as far as they are also among", "except": "leaving out"}[query.operator]
        words = f"{self.query(query.left)}, {joint}: {self.query(query.right)}"
        return words + self._ranking(query.order_by, query.limit)

    def select(self, query: form.Select) -> str:
        groups = [self.expression(each) for each in query.group_by if not _stands_behind_a_label(each, query)]
        shown = [self._target(each, query) for each in query.targets if each.expression not in query.group_by or query.within]
        groups = [] if query.within else groups
        if not shown and groups:
            shown = [f"the different {plural(group)}" if place == 0 else group for place, group in enumerate(groups)]
            groups = []
        words = _listed(list(dict.fromkeys(shown))) if shown else f"all details of {plural(plain(query.base.table))}"
        if query.distinct:
            head, joint, rest = words.partition(" of ")
            words = f"the different {plural(head) if len(shown) == 1 else head}{joint}{rest}"
        words += self._conditions(query.where)
        if groups:
            words += f", by {_listed(groups)}"
        if query.group_by and any(join.outer for join in query.joins):
            words += ", also where there are none"
        if query.having:
            words += f", only where {' and '.join(self.condition(each) for each in query.having)}"
        return words + self._ranking(query.order_by, query.limit, query.offset) + self._within(query)

    def _within(self, query: form.Select) -> str:
        """ "... in each category"; what a key stands for is said by what is shown of its table."""
        said = []
        for key in query.within:
            shown = [t.expression for t in query.targets if isinstance(t.expression, form.ColumnRef)]
            label = next((s for s in shown if isinstance(key, form.ColumnRef) and s.source == key.source), key)
            said.append(self.expression(key if key in shown else label))
        return f" in each {_listed(said)}" if said else ""

    def _target(self, target: form.Target, query: form.Select) -> str:
        expression = target.expression
        if target.name and isinstance(expression, form.Arithmetic | form.ScalarQuery):
            return self.expression(expression) if target.name in _CALCULATED else plain(target.name)
        words = self.expression(expression)
        if isinstance(expression, form.ColumnRef) and not query.group_by and len(query.targets) == 1:
            return _of(words, expression.table)
        return words

    def expression(self, node: form.Expression) -> str:
        match node:
            case form.ColumnRef(table, column):
                words = plain_column(table, column)
                role = self._roles.get(node.source)
                return words if role is None else role if words == singular(plain(table)) else f"{role}'s {words}"
            case form.Literal():
                return _value(node)
            case form.Aggregate():
                return self._aggregate(node)
            case form.Truncation(unit, _):
                return unit
            case form.DatePart(unit, _):
                return {
                    "weekday_number": "weekday",
                    "month": "month of the year",
                    "day": "day of the month",
                    "hour": "hour of the day",
                }.get(unit, unit)
            case form.Arithmetic(operator, left, right):
                return f"{self.expression(left)} {_SIGNS[operator]} {self.expression(right)}"
            case form.RawExpression():
                return plain(node.name) + (f" ({self.condition(node.condition)})" if node.condition else "")
            case form.ScalarQuery(query):
                return f"the {self.query(query)}"

    def _aggregate(self, node: form.Aggregate) -> str:
        limited = f" ({self.condition(node.condition)})" if node.condition else ""
        if node.operand is None:
            return f"number of {self._rows}{limited}"
        inner = self.expression(node.operand)
        if node.function == "count":
            ref = node.operand if isinstance(node.operand, form.ColumnRef) else None
            counted = counted_column(ref) if ref is not None and ref.source not in self._roles else None
            if counted is not None:
                return f"number of {counted}{limited}"
            return f"number of {'different ' if node.distinct else ''}{plural(inner)}{limited}"
        timely = any(word in inner.split() for word in ("date", "time", "day", "year"))
        first, last = ("earliest", "latest") if timely else ("lowest", "highest")
        called = {"sum": "total", "avg": "average", "min": first, "max": last}[node.function]
        return (
            _of(f"{called} {inner}", node.operand.table) if isinstance(node.operand, form.ColumnRef) else f"{called} {inner}"
        ) + limited

    def _conditions(self, conditions: Iterable[form.Condition]) -> str:
        """ "where ..." first, then what reads well after a comma: stretches of time and kinds of rows."""
        conditions = tuple(conditions)
        where = [self.condition(each) for each in conditions if not _stands_alone(each)]
        alone = [self.condition(each) for each in conditions if _stands_alone(each)]
        words = f" where {' and '.join(where)}" if where else ""
        return words + "".join(f", {each}" for each in alone)

    def condition(self, node: form.Condition) -> str:  # noqa: C901 - one line for each kind of node
        match node:
            case form.Comparison():
                return self._comparison(node)
            case form.InList(operand, values, negated):
                joined = _listed([self._valued(operand, value) for value in values], "or")
                return f"{self.expression(operand)} is {'not ' if negated else ''}{joined}"
            case form.InQuery(_, query, negated):
                return self._among(query, negated=negated)
            case form.Exists(query, negated):
                return self._among(query, negated=negated)
            case form.Like(operand, text, where, negated):
                verb = {"contains": "contain", "starts": "start with", "ends": "end with"}[where]
                third = {"contains": "contains", "starts": "starts with", "ends": "ends with"}[where]
                return f'{self.expression(operand)} {f"does not {verb}" if negated else third} "{text}"'
            case form.Between(operand, low, high, negated):
                return f"{self.expression(operand)} is {'not ' if negated else ''}between {_value(low)} and {_value(high)}"
            case form.DateRange(_, start, end):
                return phrase_of(read_moment(start) if start else None, read_moment(end) if end else None)
            case form.RawRange(_, name):
                return name
            case form.IsNull(operand, negated):
                return f"{self.expression(operand)} is {'known' if negated else 'empty'}"
            case form.RawCondition(name):
                return f"only {name}"
            case form.Not(inner):
                return f"not ({self.condition(inner)})"
            case form.And(inner):
                return " and ".join(self._nested(each) for each in inner)
            case form.Or(inner):
                return " or ".join(self._nested(each) for each in inner)

    def _nested(self, node: form.Condition) -> str:
        words = self.condition(node)
        return f"({words})" if isinstance(node, form.And | form.Or) else words

    def _comparison(self, node: form.Comparison) -> str:
        timely = isinstance(node.right, form.Literal) and node.right.kind in ("date", "timestamp")
        verb = (_COMPARED_IN_TIME if timely else _COMPARED)[node.operator]
        if isinstance(node.right, form.Literal) and node.right.kind == "boolean" and node.operator in ("=", "!="):
            truth = bool(node.right.value) == (node.operator == "=")
            return f"{self.expression(node.left)} is {'true' if truth else 'false'}"
        right = self._valued(node.left, node.right) if isinstance(node.right, form.Literal) else self.expression(node.right)
        return f"{self.expression(node.left)} {verb} {right}"

    def _valued(self, operand: form.Expression, literal: form.Literal) -> str:
        if isinstance(operand, form.ColumnRef):
            label = self._labels.get((operand.table, operand.column, literal.value))
            if label is not None and label != literal.value:
                return f"{literal.value} ({label})"
        return _value(literal)

    def _among(self, query: form.Query, *, negated: bool) -> str:
        """Membership in a sub-query, as people say it: "with orders since 2025", "without returns"."""
        opener = "without" if negated else "with"
        if isinstance(query, form.SetOperation):
            return f"{opener} {self.query(query)}"
        roles = roles_named(query)
        rows = plural(roles.get(query.base, plain(query.base.table)))
        inner = _Sentence(self._labels, counted_rows(query, roles), roles)
        known = [form.IsNull(target.expression, negated=True) for target in query.targets]
        where = inner._conditions(each for each in query.where if each not in known).replace(", ", " ", 1)
        having = f" having {' and '.join(inner.condition(each) for each in query.having)}" if query.having else ""
        return f"{opener} {rows}{where}{having}{inner._ranking(query.order_by, query.limit)}"

    def _ranking(self, order_by: tuple[form.Order, ...], limit: int | None, offset: int = 0) -> str:
        if not order_by:
            return "" if limit is None else f", the first {limit}" if limit > 1 else ", one only"
        first = order_by[0]
        words = self.expression(first.expression)
        if limit is not None:
            end = "highest" if first.descending else "lowest"
            if any(word in words.split() for word in ("date", "day", "month", "year", "time")):
                end = "latest" if first.descending else "earliest"
            place = f"{_ordinal(offset + 1)} " if offset else ""
            return f", the one with the {place}{end} {words}" if limit == 1 else f", the {limit} with the {end} {words}"
        sides = [f"{self.expression(each.expression)}{', highest first' if each.descending else ''}" for each in order_by]
        return f", sorted by {_listed(sides)}"


def _stands_behind_a_label(key: form.Expression, query: form.Select) -> bool:
    """A key that is not shown, grouped by only so that two things of the same name stay two."""
    shown = {target.expression for target in query.targets}
    if isinstance(key, form.DatePart) and key.unit == "weekday_number":
        return key not in shown
    if not isinstance(key, form.ColumnRef) or key in shown:
        return False
    return any(isinstance(other, form.ColumnRef) and other.source == key.source and other in shown for other in query.group_by)


def _stands_alone(node: form.Condition) -> bool:
    return isinstance(node, form.DateRange | form.RawRange | form.RawCondition | form.InQuery | form.Exists)


def _of(words: str, table: str) -> str:
    """ "total amount of sales", but "list price" alone where the words already name the thing."""
    thing = plain(table)
    named = set(words.split()) & {thing, *thing.split(), plural(thing)}
    singulars = {each.rstrip("s") for each in thing.split()}
    return words if named or singulars & set(words.split()) else f"{words} of {plural(thing)}"


def _value(literal: form.Literal) -> str:
    value = literal.value
    if literal.kind in ("date", "timestamp") and isinstance(value, str):
        moment = read_moment(value)
        return phrase_of(None, moment).removeprefix("before ") if "T" in value else f"{moment.day} {moment:%B} {moment.year}"
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return value


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third", 4: "fourth", 5: "fifth"}.get(number, f"{number}th")


def _listed(words: list[str], joint: str = "and") -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"
