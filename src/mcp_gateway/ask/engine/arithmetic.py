"""Figures calculated from two others: "the difference between the highest and lowest price", "the ratio of returns to sales".

The question without the words for the calculation is read by itself and shows both figures; they are then put together. What
ranks or sorts by a difference is read with the first figure in its place.
"""

import re
from dataclasses import replace

from mcp_gateway.ask.engine import form
from mcp_gateway.ask.engine.comparisons import compare_periods, limited_to
from mcp_gateway.ask.engine.followup_changes import Dialogue
from mcp_gateway.ask.engine.form_edit import swapped
from mcp_gateway.ask.engine.form_walk import columns_of, has_aggregate, nodes
from mcp_gateway.ask.engine.read_alone import Made, ReadAlone, StandAlone, asking, blanked
from mcp_gateway.ask.engine.schema_index import SchemaIndex
from mcp_gateway.ask.engine.wordings import reworded
from mcp_gateway.ask.model import DraftRequest

_STOP = r"(?=\s+(?:for|of|in|on|at|among|per|by|from|where|with|across|over|when|is|was|are|were|each|and)\b|\s*[?.!,;]|\s*$)"
_BETWEEN = re.compile(
    r"(?P<best>\b(?:largest|biggest|highest|greatest|maximum|smallest|lowest|least|minimum)\s+)?"
    r"(?P<cue>\b(?:the\s+)?(?:absolute\s+)?difference\s+between)\s+(?P<first>.+?)(?P<rest>\s+and\s+(?P<second>.+?))" + _STOP,
    re.IGNORECASE,
)
_EACH = re.compile(r"\b(?:each|every|per)\b", re.IGNORECASE)
# "Visited most times", "came 5 times" and "three times or more" count; a product stands between two names.
_PRODUCT = (
    r"(?<!most )(?<!many )(?<!more )(?<!few )(?<!least )(?<!\d )(?<!two )(?<!three )(?<!four )(?<!five )(?<!six )(?<!ten )times"
    r"(?= (?!or\b|in\b|this\b|last\b|since\b|by\b|on\b)\w)"
)
_SIGN = re.compile(rf"\b(?:minus|plus|{_PRODUCT}|multiplied by|divided by)\b", re.IGNORECASE)
_SIGNS: dict[str, form.ArithmeticOperator] = {"minus": "-", "plus": "+", "times": "*", "multiplied by": "*", "divided by": "/"}
_QUICK = re.compile(
    r"\b(?:differen|ratio|minus|plus|times|multiplied|divided|how (?:much|many) (?:more|less|fewer|higher|lower))", re.IGNORECASE
)
_RATIO = re.compile(
    r"(?P<cue>\b(?:what is |show )?(?:me )?(?:the )?ratio (?:of|between))\s+(?P<first>.+?)\s+(?P<to>to|and|over)\s+"
    r"(?P<second>.+?)(?=\s*[?.!]*\s*$)",
    re.IGNORECASE,
)
_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|march|april|may|june|july|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_PERIOD = rf"(?:(?:{_MONTHS})(?: \d{{4}})?|q[1-4](?: \d{{4}})?|\d{{4}}|(?:this|last) (?:year|month|quarter|week))"
_THAN = rf"(?:more|less|fewer|higher|lower)\b(.*?) (?:in|during) ({_PERIOD}) than (?:in |during )?({_PERIOD})\b"
_TWICE_SAID = rf"(?:in|of|for) ({_PERIOD}) and (?:that |the )?(?:\1 )?(?:in|of|for) ({_PERIOD})\b"
_PERIODS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), f"compare {figure} in \\2 and in \\3")
    for pattern, figure in (
        (rf"^.*?\bdifference (?:in|of) (.+?) between ({_PERIOD}) and ({_PERIOD})\b", "\\1"),
        (rf"^.*?\bdifference between (?:the )?(.+?) {_TWICE_SAID}", "\\1"),
        (f"^how much {_THAN}", "\\1"),
        (f"^how many {_THAN}", "number of \\1"),
    )
)
_FIRST_MINUS_SECOND = 2  # from this pattern on


def calculated(request: DraftRequest, index: SchemaIndex, read: ReadAlone) -> Made | None:
    """The form; None when the question names no calculation."""
    question = request.question
    if _QUICK.search(question) is None:
        return None
    for place, pattern in enumerate(_PERIODS):
        if pattern[0].search(question):
            return _between_periods(reworded(request, (pattern,)), index, read, more=place >= _FIRST_MINUS_SECOND)
    between = _BETWEEN.search(question)
    if between is not None and between.group("best"):
        return _ranked(request, between, index, read)
    if between is not None:
        return _together(request, blanked(question, [between.span("cue")]), "-", index, read)
    sign = _SIGN.search(question)
    if sign is not None:
        joint = f"{'and':<{sign.end() - sign.start()}}"
        rest = question[: sign.start()] + joint + question[sign.end() :]
        return _together(request, rest, _SIGNS[sign.group().lower()], index, read)
    ratio = _RATIO.search(question)
    return None if ratio is None else _divided(request, ratio, index, read)


def _between_periods(request: DraftRequest, index: SchemaIndex, read: ReadAlone, *, more: bool) -> Made | None:
    """The figure of the later period minus that of the earlier, by group where there are groups.

    `more`: the first minus the second, as in "how much more".
    """
    made = compare_periods(request, index, read)
    select = made.query if made is not None else None
    if made is None or not isinstance(select, form.Select):
        return made
    kept: list[form.Target] = []
    for target in select.targets:
        match target.expression:
            case form.Arithmetic("/", form.Arithmetic("*", _, form.Arithmetic("-", first, second)), _):
                sides = (first, second) if more or _start(first) > _start(second) else (second, first)
                kept.append(form.Target(form.Arithmetic("-", *sides), "difference"))
            case each if not has_aggregate(each):
                kept.append(target)
    return replace(made, query=replace(select, targets=tuple(kept), order_by=()))


def _start(figure: form.Expression) -> str:
    """When the period begins that a figure is limited to."""
    return next((node.start or "" for node in nodes(figure) if isinstance(node, form.DateRange)), "")


def _together(
    request: DraftRequest, rest: str, operator: form.ArithmeticOperator, index: SchemaIndex, read: ReadAlone
) -> Made | None:
    """The two figures that the rest shows, in one."""
    alone = read(asking(request, rest))
    select = alone.query if alone is not None else None
    if alone is None or not isinstance(select, form.Select) or alone.unexplained:
        return Made(query=None, unexplained=alone.unexplained if alone else ())
    shown = [target for target in select.targets if _is_figure(target.expression, index)]
    if len(shown) != 2:
        return Made(query=None, unexplained=("difference",) if operator == "-" else ())
    told = _EACH.search(request.question) is not None and not any(has_aggregate(target.expression) for target in shown)
    made = _put_together(select, shown, operator, index, told=told)
    return Made(query=made, confidence=alone.confidence)


def _put_together(
    select: form.Select, shown: list[form.Target], operator: form.ArithmeticOperator, index: SchemaIndex, *, told: bool
) -> form.Select | None:
    """`told`: whose figures they are must be shown beside them."""
    first, second = (target.expression for target in shown)
    if operator == "-" and _is(first, "min") and _is(second, "max"):
        first, second = second, first
    figure = _calculated(operator, first, second)
    others = tuple(target for target in select.targets if target not in shown)
    if not others and told:
        table = index.tables[select.base.table]
        others = tuple(form.Target(label) for label in table.labels) if table.is_named else ()
    orders = tuple(order for order in select.order_by if order.expression not in {first, second})
    changed = replace(select, targets=(*others, form.Target(figure, _NAMES[operator])), order_by=orders)
    return Dialogue(changed, index).joined(changed)


_NAMES: dict[form.ArithmeticOperator, str] = {"-": "difference", "+": "sum", "*": "product", "/": "ratio"}


def _calculated(operator: form.ArithmeticOperator, first: form.Expression, second: form.Expression) -> form.Expression:
    """Totals of products are totals of each row's product."""
    if isinstance(first, form.Aggregate) and first.function in {"sum", "avg"} and operator == "*" and first.operand is not None:
        inner = second.operand if isinstance(second, form.Aggregate) and second.operand is not None else second
        return replace(first, operand=form.Arithmetic(operator, first.operand, inner))
    if isinstance(first, form.Aggregate) and isinstance(second, form.ColumnRef) and first.operand is not None:
        return replace(first, operand=form.Arithmetic(operator, first.operand, second))
    return form.Arithmetic(operator, first, second)


def _is(expression: form.Expression, function: str) -> bool:
    return isinstance(expression, form.Aggregate) and expression.function == function


def _is_figure(expression: form.Expression, index: SchemaIndex) -> bool:
    if isinstance(expression, form.ColumnRef):
        column = index.column(expression)
        return (column.is_numeric or column.is_year) and not column.is_key
    return has_aggregate(expression)


def _ranked(request: DraftRequest, between: re.Match[str], index: SchemaIndex, read: ReadAlone) -> Made | None:
    """ "The day with the largest difference between A and B": ranked by A, then A minus B put in its place."""
    alone = read(asking(request, blanked(request.question, [between.span("cue"), between.span("rest")])))
    start, end = between.span("second")
    size = len(request.question)
    other = read(asking(request, blanked(request.question, [(0, start), (end, size)]), before="what is"))
    select = alone.query if alone is not None else None
    if alone is None or other is None or not isinstance(select, form.Select) or alone.unexplained or other.unexplained:
        return Made(query=None, unexplained=("difference",))
    keys = [order.expression for order in select.order_by if isinstance(order.expression, form.ColumnRef)]
    second = _only_column(other, keys[0].table if keys else "", index)
    if len(keys) != 1 or second is None:
        return Made(query=None, unexplained=("difference",))
    difference = form.Arithmetic("-", keys[0], second)
    orders = swapped(select.order_by, keys[0], difference)
    changed = replace(select, order_by=orders)
    return Made(query=Dialogue(changed, index).joined(changed), confidence=alone.confidence)


def _only_column(reading: StandAlone, table: str, index: SchemaIndex) -> form.ColumnRef | None:
    select = reading.query
    targets = [target.expression for target in select.targets] if isinstance(select, form.Select) else []
    found = [each for each in targets if isinstance(each, form.ColumnRef) and each.table == table and _is_figure(each, index)]
    return found[0] if len(found) == 1 == len(targets) else None


def _divided(request: DraftRequest, ratio: re.Match[str], index: SchemaIndex, read: ReadAlone) -> Made | None:
    """Each side read with the rest of the question; two counts of different tables are two queries."""
    question = request.question
    sides = []
    for kept, dropped in (("first", "second"), ("second", "first")):
        start, end = ratio.span(dropped)
        rest = blanked(question, [ratio.span("cue"), ratio.span("to"), (start, end)])
        found = _figure_of(request, rest, ratio.group(kept), read)
        if found is None:
            return Made(query=None, unexplained=("ratio",))
        sides.append(found)
    first, second = sides
    one, two = first.query, second.query
    if not isinstance(one, form.Select) or not isinstance(two, form.Select):
        return None
    pair = _fair(one, two)
    if pair is None:
        return Made(query=None, unexplained=("ratio",))
    one, two = pair
    top, bottom = one.targets[-1].expression, two.targets[-1].expression
    divided = form.Arithmetic("/", top, form.ScalarQuery(two))
    if (one.base, one.joins) == (two.base, two.joins):
        shared = tuple(each for each in one.where if each in two.where)
        divided = form.Arithmetic("/", _only(top, one.where, shared), _only(bottom, two.where, shared))
        one = replace(one, where=shared)
    made = replace(one, targets=(*one.targets[:-1], form.Target(divided, "ratio")))
    return Made(query=made, confidence=min(first.confidence, second.confidence))


def _only(figure: form.Expression, where: tuple[form.Condition, ...], shared: tuple[form.Condition, ...]) -> form.Expression:
    """The figure over the rows for which its own conditions hold."""
    own = tuple(each for each in where if each not in shared)
    return figure if not own else limited_to(figure, own[0] if len(own) == 1 else form.And(own))


def _fair(one: form.Select, two: form.Select) -> tuple[form.Select, form.Select] | None:
    """Both sides, what is said last said of both; None where it is not clear what is divided by what."""
    if _counts(one.targets[-1].expression) != _counts(two.targets[-1].expression):
        return None
    ours, theirs = set(columns_of(one.where)), set(columns_of(two.where))
    if theirs and not ours & theirs:
        return None
    if (one.group_by or two.group_by) and (one.base, one.joins, one.where) != (two.base, two.joins, two.where):
        return None
    extra = tuple(each for each in two.where if not ours.intersection(columns_of(each))) if one.base == two.base else ()
    if extra and one.joins != two.joins:
        return None
    return replace(one, where=(*one.where, *extra)), two


def _counts(expression: form.Expression) -> bool:
    return isinstance(expression, form.Aggregate) and expression.function == "count"


def _figure_of(request: DraftRequest, rest: str, words: str, read: ReadAlone) -> StandAlone | None:
    counted = "" if re.match(r"(?:the )?(?:number|total|sum|average|amount|count)\b", words, re.IGNORECASE) else "number of"
    for before in dict.fromkeys((counted, "")):
        found = read(asking(request, rest, before=before))
        if found is None or found.unexplained or not isinstance(found.query, form.Select):
            continue
        figures = [target for target in found.query.targets if has_aggregate(target.expression)]
        if len(figures) == 1 and found.query.targets[-1] == figures[0] and found.query.limit is None:
            return found
    return None
