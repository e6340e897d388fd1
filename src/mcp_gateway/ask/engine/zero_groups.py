"""Groups that have nothing to count: "the number of orders for each customer, including those without any".

The question without these words is read by itself; its groups then come first and what is counted is joined where there is any.
"""

import re
from dataclasses import replace

from mcp_gateway.ask.engine import form
from mcp_gateway.ask.engine.comparisons import limited_to
from mcp_gateway.ask.engine.followup_changes import Dialogue
from mcp_gateway.ask.engine.form_edit import rewritten
from mcp_gateway.ask.engine.form_json import Node
from mcp_gateway.ask.engine.form_walk import columns_of, has_aggregate
from mcp_gateway.ask.engine.read_alone import Made, ReadAlone, asking, blanked
from mcp_gateway.ask.engine.schema_index import SchemaIndex
from mcp_gateway.ask.model import DraftRequest

_NOTHING = r"(?:none|nothing|zero|0|no|not any|without(?: any)?)"
_CUE = re.compile(
    rf"[,;(]?\s*\b(?:"
    rf"(?:including|include|even|also|and also|as well as|plus)\s+(?:the\s+|all\s+|any\s+|for\s+)*(?:those|ones|\w+)?\s*"
    rf"(?:(?:that|who|which|with|having)\s+)*(?:have|has|had|placed|made|with|having)?\s*{_NOTHING}(?:\s+[a-z]+)?"
    r"|(?:including|include|also|even)\s+(?:the\s+)?(?:empty|zero)(?:\s+\w+)?"
    rf"|even\s+(?:if|when|where)\s+(?:they|there|it|he|she|the\s+\w+)\s+(?:have|has|had|is|are|was|were|did)\s*{_NOTHING}(?:\s+[a-z]+)?"
    rf"|(?:showing|show|with|using)\s+(?:a\s+)?(?:0|zero)\s+(?:if|where|when|for)\s+(?:\w+\s+){{1,4}}{_NOTHING}(?:\s+[a-z]+)?"
    r")\s*\)?\s*(?=[?.!]*\s*$)",
    re.IGNORECASE,
)
_QUICK = re.compile(r"\b(?:includ|even|also|plus|show|with|using|well as)", re.IGNORECASE)


def groups_of_nothing(request: DraftRequest, index: SchemaIndex, read: ReadAlone) -> Made | None:
    """The form; None when the question does not ask for empty groups."""
    cue = _CUE.search(request.question) if _QUICK.search(request.question) else None
    if cue is None:
        return None
    alone = read(asking(request, blanked(request.question, [cue.span()])))
    select = alone.query if alone is not None else None
    if alone is None or not isinstance(select, form.Select) or not select.group_by:
        return None
    made = None if alone.unexplained else _kept(select, index)
    if made is None:
        return Made(query=None, unexplained=alone.unexplained or (cue.group().strip(" ,;("),))
    return Made(query=made, confidence=alone.confidence)


def _kept(select: form.Select, index: SchemaIndex) -> form.Select | None:
    """The select from its groups outward, every group kept; None where the groups are not rows of one other table."""
    keys = [key for key in select.group_by if isinstance(key, form.ColumnRef)]
    tables = {key.source for key in keys}
    if len(tables) != 1 or len(keys) != len(select.group_by) or select.within:
        return None
    group = tables.pop()
    counted = _counted(select, index)
    if counted is None or counted.source == group or select.base.instance or group.instance:
        return None
    own = tuple(each for each in select.where if {ref.source for ref in columns_of(each)} <= {group})
    others = tuple(each for each in select.where if each not in own)
    there = others or (form.IsNull(counted, negated=True),)
    condition = there[0] if len(there) == 1 else form.And(there)

    def change(node: Node) -> Node | None:
        if node == form.Aggregate("count") and not others:
            return form.Aggregate("count", counted)
        if isinstance(node, form.Aggregate) and (others or node.operand is None):
            return _limited(node, condition)
        if isinstance(node, form.RawExpression) and node.is_aggregate:
            return _limited(node, condition) if others or any("count" in text.casefold() for _, text in node.texts) else None
        return None

    changed = replace(rewritten(replace(select, where=()), change), base=group, where=own)
    joined = Dialogue(changed, index).joined(changed, also=[select.base.table])
    return None if joined is None else replace(joined, joins=tuple(replace(join, outer=True) for join in joined.joins))


def _limited(node: form.Aggregate | form.RawExpression, condition: form.Condition) -> Node | None:
    made = limited_to(node, condition)
    return made if isinstance(made, form.Aggregate | form.RawExpression) else None


def _counted(select: form.Select, index: SchemaIndex) -> form.ColumnRef | None:
    """The key of the rows that are counted or added up."""
    for target in select.targets:
        if isinstance(target.expression, form.RawExpression) and target.expression.tables:
            return next(iter(index.tables[target.expression.tables[0]].key), None)
        if has_aggregate(target.expression):
            operands = columns_of(target.expression)
            table = operands[0].table if operands else select.base.table
            return next(iter(index.tables[table].key), None) if table in index.tables else None
    return None
