"""Parts of a whole: "what share of revenue comes from each region", "what percentage of orders were cancelled".

The question without the words for a share is read by itself: a figure for each group becomes each group's part of all; a figure
or count under a condition becomes the part for which the condition holds. Stretches of time limit the whole.
"""

import re
from dataclasses import replace

from mcp_gateway.ask.engine import form
from mcp_gateway.ask.engine.comparisons import limited_to
from mcp_gateway.ask.engine.followup_changes import Dialogue, as_share
from mcp_gateway.ask.engine.form_walk import has_aggregate
from mcp_gateway.ask.engine.read_alone import Made, ReadAlone, StandAlone, asking, blanked
from mcp_gateway.ask.engine.schema_index import SchemaIndex
from mcp_gateway.ask.model import DraftRequest

_CUE = re.compile(
    r"(?:\b(?:what|which|how large a|how big a|how high is the|the)\s+)?(?:\bis\s+)?(?:the\s+|our\s+)?"
    r"(?:\b(?:percentage|percent|proportion|fraction)|%|\bshare)\s+(?:share\s+)?of(?:\s+(?:all|our|the|total|overall|my))*\b",
    re.IGNORECASE,
)
_VERB = re.compile(r"\b(?:was|were|is|are|has|have|had|did|do|does|came|come|comes|went|goes|go)\b", re.IGNORECASE)


def share_of_whole(request: DraftRequest, index: SchemaIndex, read: ReadAlone) -> Made | None:
    """The form; None when the question asks for no share."""
    cue = _CUE.search(request.question)
    if cue is None:
        return None
    rest = blanked(request.question, [cue.span()])
    figure = read(asking(request, rest))
    if figure is not None and not figure.unexplained and _is_figure(figure.query):
        return _of_figure(figure, index)
    counted = read(asking(request, rest, before="how many"))
    verb = _VERB.search(request.question, cue.end())
    whole = read(asking(request, blanked(rest, [(verb.start(), len(rest))]), before="how many")) if verb else None
    if counted is None or counted.unexplained or not _is_figure(counted.query):
        return Made(query=None, unexplained=counted.unexplained if counted else (cue.group().strip(),))
    return _of_count(counted, whole, index)


def _is_figure(query: form.Query) -> bool:
    return (
        isinstance(query, form.Select)
        and query.limit is None
        and not query.having
        and any(has_aggregate(target.expression) for target in query.targets)
    )


def _of_figure(reading: StandAlone, index: SchemaIndex) -> Made | None:
    """Each group's part, or the part under the question's conditions."""
    select = reading.query
    if not isinstance(select, form.Select):
        return None
    if select.group_by:
        return Made(query=as_share(Dialogue(select, index)), confidence=reading.confidence)
    return Made(query=_part(select, (), index), confidence=reading.confidence)


def _of_count(reading: StandAlone, whole: StandAlone | None, index: SchemaIndex) -> Made | None:
    select = reading.query
    if not isinstance(select, form.Select):
        return None
    if select.group_by:
        return Made(query=as_share(Dialogue(select, index)), confidence=reading.confidence)
    kept = whole.query.where if whole and isinstance(whole.query, form.Select) and not whole.unexplained else ()
    return Made(query=_part(select, kept, index), confidence=reading.confidence)


def _part(select: form.Select, whole: tuple[form.Condition, ...], index: SchemaIndex) -> form.Select | None:
    """100 times the figure under its conditions, divided by the figure without them; `whole` are conditions on both."""
    if len(select.targets) != 1:
        return None
    limits = tuple(each for each in select.where if isinstance(each, form.DateRange | form.RawRange) or each in whole)
    part = tuple(each for each in select.where if each not in limits)
    if not part:
        return None
    measure = select.targets[0].expression
    condition = part[0] if len(part) == 1 else form.And(part)
    share = form.Arithmetic("/", form.Arithmetic("*", form.Literal(100, "number"), limited_to(measure, condition)), measure)
    return Dialogue(select, index).joined(replace(select, targets=(form.Target(share, "percent"),), where=limits, order_by=()))
