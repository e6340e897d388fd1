"""The intermediate form as JSON and back, so that a session can keep it.

Each node is an object with its class name under "is" and its fields; fields that hold their default are left out.
Reading is strict: an unknown class, field or shape raises `FormError`, since a store's content is not trusted.
"""

from dataclasses import MISSING, fields
from typing import TypeAlias, cast

from mcp_gateway.ask.engine import form
from mcp_gateway.core.errors import Json

Node: TypeAlias = form.Query | form.Expression | form.Condition | form.Target | form.Order | form.Join | form.TableRef
Part: TypeAlias = "Node | str | int | float | bool | tuple[Part, ...] | None"

_MAX_DEPTH = 60
_LIKELY = "likely"
_CLASSES: dict[str, type[Node]] = {
    kind.__name__: kind
    for kind in (
        form.TableRef, form.ColumnRef, form.Literal, form.Aggregate, form.Truncation, form.DatePart, form.Arithmetic,
        form.RawExpression, form.ScalarQuery, form.Comparison, form.InList, form.InQuery, form.Like, form.Between,
        form.DateRange, form.RawRange, form.IsNull, form.Exists, form.RawCondition, form.Not, form.And, form.Or, form.Target,
        form.Order, form.Join, form.Select, form.SetOperation,
    )
}  # fmt: skip


class FormError(ValueError):
    """The JSON is no intermediate form."""


def to_json(query: form.Query, likely: float = 1.0) -> Json:
    """The query as JSON values; `likely` is how sure (0..1) it is what was asked for."""
    shape = _encode(query)
    return {**shape, _LIKELY: round(likely, 3)} if isinstance(shape, dict) and likely < 1 else shape


def likelihood_of(document: Json) -> float:
    """How sure a stored query was, 0..1; 1 where nothing is stored about it."""
    likely = document.get(_LIKELY) if isinstance(document, dict) else None
    return min(1.0, max(0.0, float(likely))) if isinstance(likely, int | float) else 1.0


def from_json(document: Json) -> form.Query:
    """The query a document of `to_json` stands for. Raises `FormError`."""
    if isinstance(document, dict):
        document = {name: value for name, value in document.items() if name != _LIKELY}
    part = _decode(document, 0)
    if not isinstance(part, form.Select | form.SetOperation):
        raise FormError("the outermost node is no query")
    return part


def _encode(part: Part) -> Json:
    if part is None or isinstance(part, str | int | float | bool):
        return part
    if isinstance(part, tuple):
        return [_encode(each) for each in part]
    shape: dict[str, Json] = {"is": type(part).__name__}
    for each in fields(part):
        value = cast("Part", getattr(part, each.name))
        if each.default is MISSING or value != each.default:
            shape[each.name] = _encode(value)
    return shape


def _decode(document: Json, depth: int) -> Part:
    if depth > _MAX_DEPTH:
        raise FormError("nested too deeply")
    if isinstance(document, list):
        return tuple(_decode(each, depth + 1) for each in document)
    if not isinstance(document, dict):
        return document
    kind = _CLASSES.get(str(document.get("is")))
    if kind is None:
        raise FormError(f"no such node: {document.get('is')!r}")
    arguments = {name: _decode(value, depth + 1) for name, value in document.items() if name != "is"}
    try:
        return kind(**arguments)  # type: ignore[arg-type]  # checked by name here and by use when printed
    except TypeError as error:
        raise FormError(f"{kind.__name__}: {error}") from error
