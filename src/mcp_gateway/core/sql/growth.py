"""How large a value a function is told to make, where the statement itself says so.

`REPEAT('x', 1e9)` and its kin make gigabytes out of a few letters, outside what an engine's memory limit counts. What depends on
rows cannot be known here and is left to the engine's limits.
"""

import math
from typing import Final

from sqlglot import exp

# Letters of a text or elements of a list; cells are cut far below it when they are shown.
LARGEST_VALUE: Final = 100_000
_SIZED_BY_NAME: Final = {"array_fill": 1, "list_resize": 1, "zeroblob": 0, "randomblob": 0}


def value_size(node: exp.Expr | None) -> float:
    """About how many letters or elements the value of this node has, as far as constants tell; 1 where they do not."""
    if isinstance(node, exp.Paren):
        return value_size(node.this)
    if isinstance(node, exp.Repeat):
        return max(value_size(node.this), 1) * _number(node.args.get("times"), 1)
    if isinstance(node, exp.Pad):
        return max(value_size(node.this), _number(node.expression, 1))
    if isinstance(node, exp.Space):
        return _number(node.this, 1)
    if isinstance(node, exp.GenerateSeries) and not isinstance(node.parent, (exp.Table, exp.Lateral)):
        step = abs(_number(node.args.get("step"), 1)) or 1
        return abs(_number(node.args.get("end"), 0) - _number(node.args.get("start"), 0)) / step
    if isinstance(node, exp.Anonymous) and node.name.lower() in _SIZED_BY_NAME:
        place = _SIZED_BY_NAME[node.name.lower()]
        given = node.expressions[place] if len(node.expressions) > place else None
        sizes = given.expressions if isinstance(given, exp.Array) else [given]
        return max((_number(size, 1) for size in sizes), default=1)
    return float(len(node.name)) if isinstance(node, exp.Literal) and node.is_string else 1


def _number(node: exp.Expr | None, otherwise: float) -> float:
    """The value of a constant made of numbers, + - * and brackets; `otherwise` for everything else."""
    if isinstance(node, exp.Literal) and not node.is_string:
        try:
            return float(node.name)
        except ValueError:
            return otherwise
    if isinstance(node, (exp.Paren, exp.Cast)):
        return _number(node.this, otherwise)
    if isinstance(node, exp.Neg):
        return -_number(node.this, -otherwise)
    if isinstance(node, exp.Binary):
        left, right = _number(node.this, float("nan")), _number(node.expression, float("nan"))
        known = {exp.Add: left + right, exp.Sub: left - right, exp.Mul: left * right}.get(type(node), float("nan"))
        return otherwise if math.isnan(known) else known
    return otherwise
