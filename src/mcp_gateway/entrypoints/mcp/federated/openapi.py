"""The tools a caller may see as an OpenAPI 3.1 document: one operation each, made of the schemas the tools themselves give."""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final
from urllib.parse import quote

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject, object_at, render

_COMPONENT: Final = re.compile(r"[^A-Za-z0-9._-]")
_REFERENCES: Final = frozenset({"$ref", "$dynamicRef"})
# What is below these is data, whatever it looks like.
_DATA: Final = frozenset({"const", "default", "enum", "example", "examples"})
# What a schema says of itself as a whole document; inside another it would say it of that one.
_OF_DOCUMENTS: Final = frozenset({"$schema"})
# Schemas by names that are anybody's choice.
_NAMED: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_PROBLEM: Final[JsonObject] = {
    "type": "object",
    "description": "RFC 9457 problem details",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "hint": {"type": "string"},
    },
}
_CONTENT: Final[JsonObject] = {
    "type": "object",
    "properties": {"content": {"type": "array", "items": {"type": "object"}}},
    "required": ["content"],
}


def describe_tools(tools: Sequence[JsonObject], *, base: str, version: str) -> JsonObject:
    """`base` is the path the operations are below."""
    paths: JsonObject = {}
    schemas: JsonObject = {"Problem": _PROBLEM, "Content": _CONTENT}
    for tool in tools:
        name = str(tool.get("name", ""))
        component = _component(name)
        schemas[f"{component}.input"] = _settled(object_at(tool, "inputSchema"), f"{component}.input")
        output = object_at(tool, "outputSchema")
        if output:
            schemas[f"{component}.output"] = _settled(output, f"{component}.output")
        paths[f"{base}/{quote(name, safe='', errors='surrogatepass')}"] = {
            "post": _operation(tool, component, "Content" if not output else None)
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "MCP Gateway: tools", "version": version},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }


def _operation(tool: JsonObject, component: str, answer: str | None) -> JsonObject:
    operation: JsonObject = {
        "operationId": component,
        "requestBody": {"content": _json(f"{component}.input"), "required": bool(object_at(tool, "inputSchema").get("required"))},
        "responses": {
            "200": {"description": "What the tool gives", "content": _json(answer or f"{component}.output")},
            "default": {
                "description": "What went wrong",
                "content": {"application/problem+json": {"schema": _reference("Problem")}},
            },
        },
    }
    title = tool.get("title") or object_at(tool, "annotations").get("title")
    if isinstance(title, str):
        operation["summary"] = title
    if isinstance(tool.get("description"), str):
        operation["description"] = tool["description"]
    return operation


def _json(schema: str) -> JsonObject:
    return {"application/json": {"schema": _reference(schema)}}


def _reference(schema: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{schema}"}


def _component(name: str) -> str:
    """A name that is allowed here, and no other tool's."""
    plain = _COMPONENT.sub("_", name)
    if plain == name:
        return name
    return f"{plain}_{blake2b(render(name), digest_size=4).hexdigest()}"


def _settled(schema: JsonObject, component: str) -> JsonObject:
    """The schema at its place in this document: references to parts of itself lead there."""
    if "$id" in schema:
        return schema
    settled = _moved(schema, f"#/components/schemas/{component}")
    return settled if isinstance(settled, dict) else {}


def _moved(value: Json, place: str) -> Json:
    if isinstance(value, list):
        return [_moved(one, place) for one in value]
    if not isinstance(value, dict):
        return value
    moved: JsonObject = {}
    for key, one in value.items():
        if key in _REFERENCES and isinstance(one, str) and one.startswith("#") and (one == "#" or one.startswith("#/")):
            moved[key] = place + one[1:]
        elif key in _NAMED and isinstance(one, dict):
            moved[key] = {name: _moved(schema, place) for name, schema in one.items()}
        elif key in _DATA:
            moved[key] = one
        elif key not in _OF_DOCUMENTS:
            moved[key] = _moved(one, place)
    return moved
