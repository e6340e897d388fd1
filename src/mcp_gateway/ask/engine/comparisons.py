"""Two periods side by side: "revenue this month vs last month", "orders in October compared with the same month last year".

The question without its comparison is read by itself; every figure of that reading then stands twice, once for each period,
with the change in percent. Only periods: other comparisons are the grammar's.
"""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

from mcp_gateway.ask.engine import form
from mcp_gateway.ask.engine.date_calendar import Moment, start_of, step
from mcp_gateway.ask.engine.date_phrases import phrase_of
from mcp_gateway.ask.engine.dates import ComparisonMention, TimeRange, TimeWords, find_time
from mcp_gateway.ask.engine.followup_changes import Dialogue, main_date
from mcp_gateway.ask.engine.form_walk import has_aggregate, nodes
from mcp_gateway.ask.engine.read_alone import Made, ReadAlone, asking, blanked
from mcp_gateway.ask.engine.schema_index import SchemaIndex
from mcp_gateway.ask.model import DraftRequest

_WAYS = "up|down|higher|lower|better|worse|ahead|behind|growing|falling|rising|shrinking"
_CUES = re.compile(
    r"\b(?:compare[ds]?|comparing|comparison of|comparison|side by side|how (?:does|do|did)|growth(?: rate)?(?: of| in)?|grew"
    rf"|(?<!\w)(?:is|are|was|were|has|have)(?= .*\b(?:{_WAYS}|gone)\b)"
    rf"|(?:going |gone )?(?:{_WAYS})(?= (?:from|compared|than|over|of|vs|versus|on|this|last|in)\b)"
    r"|(?:percent(?:age)? )?change(?:d)?(?: of| in)?|increased?|decreased?|difference(?: in| of)?)\b",
    re.IGNORECASE,
)
_DIRECTION = re.compile(rf"\b(?:{_WAYS})\b", re.IGNORECASE)
_SIZES = ("hour", "day", "week", "month", "quarter", "year")


def compare_periods(request: DraftRequest, index: SchemaIndex, read: ReadAlone) -> Made | None:
    """The form; None when the question compares no periods."""
    times = find_time(request.question, request.now)
    pair = _pair(request, times)
    if pair is None:
        return None
    main, against, spans = pair
    cues = [match.span() for match in _CUES.finditer(request.question)]
    rest = blanked(request.question, [*spans, *cues])
    # Without a period of its own the question is about the unit that runs: that finds the date it goes by.
    rest, running = (rest, "") if times.dates else (rest.rstrip(" ?.!"), main.phrase)
    alone = read(asking(request, rest, after=running))
    if _DIRECTION.search(request.question) or not times.dates:
        main, against = _same_part(main, against, request.now.date())
    if alone is None or not isinstance(alone.query, form.Select):
        return Made(query=None, unexplained=(request.question,))
    made = _side_by_side(Dialogue(alone.query, index), main, against)
    if made is None or alone.unexplained:
        return Made(query=None, unexplained=alone.unexplained or tuple(request.question[start:end] for start, end in spans))
    return Made(query=made, confidence=alone.confidence)


def _pair(request: DraftRequest, times: TimeWords) -> tuple[TimeRange, TimeRange, list[tuple[int, int]]] | None:
    """The period asked about, the one it stands beside, and the words that say so."""
    if len(times.comparisons) == 1 and len(times.dates) <= 1:
        mention = times.comparisons[0]
        if request.question[mention.start : mention.end].lower().startswith("than"):
            return None
        main = times.dates[0].range if times.dates else _running(request.now, mention)
        against = _against(main, mention) if main else None
        return (main, against, [(mention.start, mention.end)]) if main and against else None
    if not times.comparisons and len(times.dates) == 2 and re.search(r"\bcompar|\bdifference\b", request.question, re.IGNORECASE):
        first, second = times.dates
        between = request.question[first.end : second.start].strip().lower()
        if between in ("and", "with", "to", "and in", "with the", "and the", "and for"):
            return first.range, second.range, [(first.end, second.end)]
    return None


def _running(now: datetime, mention: ComparisonMention) -> TimeRange | None:
    """ "Year over year" without a period is about the unit that runs now."""
    if mention.shift is None or mention.shift == "hour":
        return None
    start = start_of(mention.shift, now.date())
    return _range(start, step(mention.shift, start, 1), mention.shift)


def _same_part(main: TimeRange, against: TimeRange, today: date) -> tuple[TimeRange, TimeRange]:
    """Both cut to the part that has passed, where the asked period still runs: a whole year is no match for half a one."""
    ends = (main.start, main.end, against.start, against.end)
    if any(end is None or isinstance(end, datetime) for end in ends) or main.start is None or against.start is None:
        return main, against
    if not (main.start <= today and main.end is not None and today + timedelta(days=1) < main.end):
        return main, against
    passed = today + timedelta(days=1)
    months = (main.start.year - against.start.year) * 12 + main.start.month - against.start.month
    by_days = main.grain == "week"
    until = passed - (main.start - against.start) if by_days else step("month", today, -months) + timedelta(days=1)
    if against.end is None or until > against.end:
        return main, against
    return _range(main.start, passed, main.grain), _range(against.start, until, main.grain)


def _against(main: TimeRange, mention: ComparisonMention) -> TimeRange | None:
    """The period named, or the asked one moved back: by the unit said, or by its own length."""
    other = mention.against
    if other is not None and (mention.shift is None or _SIZES.index(other.grain) <= _SIZES.index(main.grain)):
        return other
    if main.start is None or main.end is None or isinstance(main.start, datetime) or isinstance(main.end, datetime):
        return None
    if mention.shift is not None:
        return _range(step(mention.shift, main.start, -1), step(mention.shift, main.end, -1), main.grain)
    if main.grain in ("month", "quarter", "year"):
        months = (main.end.year - main.start.year) * 12 + main.end.month - main.start.month
        return _range(step("month", main.start, -months), main.start, main.grain)
    return _range(main.start - (main.end - main.start), main.start, main.grain)


def _range(start: date, end: date, grain: form.Unit) -> TimeRange:
    return TimeRange(start=start, end=end, grain=grain, phrase=phrase_of(start, end))


def _side_by_side(dialogue: Dialogue, main: TimeRange, against: TimeRange) -> form.Select | None:
    select = dialogue.previous
    dated = [each for each in select.where if isinstance(each, form.DateRange | form.RawRange)]
    column = dated[0].operand if len(dated) == 1 else main_date(dialogue) if not dated else None
    measures = [target.expression for target in select.targets if has_aggregate(target.expression)]
    if column is None or not measures or select.having or select.limit is not None:
        return None
    if any(
        isinstance(node, form.DateRange | form.RawRange) for each in select.where if each not in dated for node in nodes(each)
    ):
        return None
    first, second = (_condition(column, each) for each in (main, against))
    targets = [target for target in select.targets if not has_aggregate(target.expression)]
    for measure in measures:
        now, before = limited_to(measure, first), limited_to(measure, second)
        change = form.Arithmetic(
            "/", form.Arithmetic("*", form.Literal(100, "number"), form.Arithmetic("-", now, before)), before
        )
        targets += [
            form.Target(now, _named(main)),
            form.Target(before, _named(against)),
            form.Target(change, "change_in_percent"),
        ]
    kept = tuple(each for each in select.where if each not in dated)
    orders = tuple(replace(each, expression=limited_to(each.expression, first)) for each in select.order_by)
    changed = replace(select, targets=tuple(targets), where=(*kept, form.Or((first, second))), order_by=orders)
    return dialogue.joined(changed)


def limited_to(expression: form.Expression, condition: form.Condition) -> form.Expression:
    """An aggregate over only those rows for which the condition holds; anything else unchanged."""
    match expression:
        case form.Aggregate() | form.RawExpression(is_aggregate=True):
            both = condition if expression.condition is None else form.And((expression.condition, condition))
            return replace(expression, condition=both)
        case form.Arithmetic(operator, left, right):
            return form.Arithmetic(operator, limited_to(left, condition), limited_to(right, condition))
        case _:
            return expression


def _condition(column: form.Expression, wanted: TimeRange) -> form.DateRange:
    return form.DateRange(column, _iso(wanted.start), _iso(wanted.end), wanted.phrase)


def _iso(moment: Moment | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _named(wanted: TimeRange) -> str:
    return re.sub(r"\W+", "_", wanted.phrase.removeprefix("in ").removeprefix("on ")).strip("_").lower()
