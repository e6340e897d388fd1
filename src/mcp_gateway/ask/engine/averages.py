"""Averages over groups: "average number of orders per customer" is all orders divided by the customers who have any.

"The number of orders per customer" is read by itself; its count or sum is then divided by the number of groups.
"""

import re
from dataclasses import replace

from mcp_gateway.ask.engine import form
from mcp_gateway.ask.engine.followup_changes import Dialogue
from mcp_gateway.ask.engine.read_alone import Made, ReadAlone, asking, blanked
from mcp_gateway.ask.engine.schema_index import SchemaIndex
from mcp_gateway.ask.model import DraftRequest

_CUE = re.compile(
    r"\b(?:average|mean|avg)\b(?= (?:number|count|quantity|amount) of\b)|\bhow many\b(?=.+\bon average\b)", re.IGNORECASE
)
_TAIL = re.compile(r"\bon average\b", re.IGNORECASE)


def average_over_groups(request: DraftRequest, index: SchemaIndex, read: ReadAlone) -> Made | None:
    """The form; None when the question is no average of a count over groups."""
    cue = _CUE.search(request.question)
    if cue is None or not re.search(r"\b(?:per|each|every|by)\b", request.question[cue.end() :], re.IGNORECASE):
        return None
    spans = [match.span() for match in (cue, _TAIL.search(request.question)) if match is not None]
    if request.question[cue.start() : cue.end()].lower() == "how many":
        spans = spans[1:]
    alone = read(asking(request, blanked(request.question, spans)))
    select = alone.query if alone is not None else None
    if alone is None or not isinstance(select, form.Select) or len(select.group_by) == 0 or select.having or select.limit:
        return None
    counts = [
        t.expression
        for t in select.targets
        if isinstance(t.expression, form.Aggregate) and t.expression.function in ("count", "sum")
    ]
    groups = [each for each in select.group_by if isinstance(each, form.ColumnRef)]
    if len(counts) != 1 or alone.unexplained or not groups:
        return Made(query=None, unexplained=alone.unexplained or (cue.group(),))
    whole = form.Arithmetic("/", counts[0], form.Aggregate("count", groups[0], distinct=True))
    changed = replace(select, targets=(form.Target(whole, "average"),), group_by=(), order_by=(), distinct=False)
    return Made(query=Dialogue(changed, index).joined(changed), confidence=alone.confidence)
