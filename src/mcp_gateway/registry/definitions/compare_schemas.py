"""Two JSON schemas of arguments, compared by what they let in.

What lets more in, or asks for more, is wider: whoever approved the tool did not approve that. What lets less in is safe, and so
are words, which are looked at for themselves. What cannot be told is wider.
"""

from collections.abc import Iterator
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.registry.definitions.differences import Difference

_WORDS: Final = frozenset({
    "title", "description", "examples", "example", "$comment", "deprecated", "readOnly", "writeOnly", "$schema", "$id",
    "markdownDescription", "enumDescriptions", "contentEncoding", "contentMediaType",
})  # fmt: skip
_AT_LEAST: Final = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"})
_AT_MOST: Final = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"})
_SCHEMA: Final = frozenset({"items", "additionalItems", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties",
                            "additionalProperties"})  # fmt: skip
_DEFINITIONS: Final = frozenset({"$defs", "definitions"})
_NAMED: Final = _DEFINITIONS | {"patternProperties", "dependentSchemas"}
_NARROWING: Final = frozenset({"pattern", "format", "uniqueItems", "multipleOf", "const", "not", "allOf", "dependentRequired"})
_DEPTH: Final = 60
_ANY: Final = frozenset({"null", "boolean", "number", "integer", "string", "array", "object"})


def compare_schemas(before: Json, after: Json, path: str, depth: int = 0) -> Iterator[Difference]:
    """`before` and `after` are schemas; what is no object is taken as a whole."""
    if before == after:
        return
    if not isinstance(before, dict) or not isinstance(after, dict) or depth > _DEPTH:
        yield _whole(before, after, path)
        return
    yield from _types(before, after, path)
    yield from _properties(before, after, path, depth)
    for key in sorted((before.keys() | after.keys()) - {"type", "properties", "required"}):
        if before.get(key) != after.get(key) or (key in before) != (key in after):
            yield from _keyword(key, before, after, _join(path, key), depth)


def _whole(before: Json, after: Json, path: str) -> Difference:
    narrower = after is False or (before in (True, None) and after is not True)
    what = "takes less" if narrower else "takes something else"
    return Difference(path=path, what=what, change="safe" if narrower else "wider", before=before, after=after)


def _types(before: JsonObject, after: JsonObject, path: str) -> Iterator[Difference]:
    old, new = _type_set(before), _type_set(after)
    if old != new:
        wider = not new <= old
        what = "takes other types" if wider else "takes fewer types"
        yield _difference(_join(path, "type"), what, before.get("type"), after.get("type"), safe=not wider)


def _type_set(schema: JsonObject) -> frozenset[str]:
    said = schema.get("type")
    if said is None:
        return _ANY
    names = {one for one in (said if isinstance(said, list) else [said]) if isinstance(one, str)}
    return frozenset(names | {"integer"} if "number" in names else names)


def _properties(before: JsonObject, after: JsonObject, path: str, depth: int) -> Iterator[Difference]:
    old, new = _object(before.get("properties")), _object(after.get("properties"))
    required_old, required_new = _names(before.get("required")), _names(after.get("required"))
    for name, schema in new.items():
        where = _join(path, f"properties.{name}")
        if name in old:
            yield from compare_schemas(old[name], schema, where, depth + 1)
            continue
        kind = "required" if name in required_new else "optional"
        yield Difference(path=where, what=f"new {kind} argument", change="wider", after=schema)
    for name in old.keys() - new.keys():
        yield Difference(path=_join(path, f"properties.{name}"), what="argument removed", change="safe", before=old[name])
    for name in sorted(required_new - required_old):
        if name in old or name not in new:
            yield Difference(
                path=_join(path, "required"), what=f"asks for {name}, which it did not need", change="wider", after=name
            )
    for name in sorted(required_old - required_new):
        yield Difference(path=_join(path, "required"), what=f"no longer needs {name}", change="safe", before=name)


def _keyword(key: str, before: JsonObject, after: JsonObject, path: str, depth: int) -> Iterator[Difference]:
    old, new = before.get(key), after.get(key)
    if key in _WORDS:
        yield Difference(path=path, what="words changed", change="safe", before=old, after=new)
    elif key in _NAMED and isinstance(old, dict | None) and isinstance(new, dict | None):
        yield from _named(key, old or {}, new or {}, path, depth)
    elif key in _SCHEMA and not (isinstance(old, list) or isinstance(new, list)):
        # Left out means anything.
        yield from compare_schemas(True if key not in before else old, True if key not in after else new, path, depth + 1)
    elif key in ("anyOf", "oneOf", "enum"):
        yield _choices(key, old, new, path)
    else:
        yield _single(key, before, after, path)


def _named(key: str, old: JsonObject, new: JsonObject, path: str, depth: int) -> Iterator[Difference]:
    for name in sorted(old.keys() | new.keys()):
        where = _join(path, name)
        if name in old and name in new:
            yield from compare_schemas(old[name], new[name], where, depth + 1)
        else:
            # A definition says nothing until something refers to it.
            what = "schema added" if name in new else "schema removed"
            yield _difference(where, what, old.get(name), new.get(name), safe=key in _DEFINITIONS)


def _choices(key: str, old: Json, new: Json, path: str) -> Difference:
    things = "values" if key == "enum" else "forms"
    if new is None or (isinstance(old, list) and isinstance(new, list) and any(one not in old for one in new)):
        return _difference(path, f"takes other {things}", old, new, safe=False)
    if isinstance(new, list) and isinstance(old, list | None):
        return _difference(path, f"takes fewer {things}", old, new, safe=True)
    return _difference(path, "changed", old, new, safe=False)


def _single(key: str, before: JsonObject, after: JsonObject, path: str) -> Difference:
    old, new = before.get(key), after.get(key)
    if key in _AT_LEAST or key in _AT_MOST:
        tighter = False
        if isinstance(new, int | float) and isinstance(old, int | float | None):
            tighter = old is None or (new >= old if key in _AT_LEAST else new <= old)
        return _difference(path, "limit tightened" if tighter else "limit loosened", old, new, safe=tighter)
    if key == "default":
        removed = key not in after
        return _difference(path, "default removed" if removed else "another default", old, new, safe=removed)
    added = key in _NARROWING and key not in before
    return _difference(path, "condition added" if added else "changed", old, new, safe=added)


def _difference(path: str, what: str, before: Json, after: Json, *, safe: bool) -> Difference:
    return Difference(path=path, what=what, change="safe" if safe else "wider", before=before, after=after)


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _names(value: Json) -> frozenset[str]:
    return frozenset(one for one in value if isinstance(one, str)) if isinstance(value, list) else frozenset()


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
