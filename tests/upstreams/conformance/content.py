"""Tools that answer at once: every kind of content, schemas and headers, and an error."""

import base64
import json

import mcp_types as types
from mcp.shared.exceptions import MCPError
from tests.upstreams.conformance.fixtures import Call, Fixtures, missing, said, takes, text

CONTENT = Fixtures()
# One red pixel, and eight samples of silence.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)  # fmt: skip
SILENCE = base64.b64encode(
    b"RIFF,\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00@\x1f\x00\x00@\x1f\x00\x00\x01\x00\x08\x00data\x08\x00\x00\x00"
    + b"\x80" * 8
).decode()


def picture() -> types.ImageContent:
    return types.ImageContent(type="image", data=PIXEL, mime_type="image/png")


def embedded(uri: str, mime_type: str, words: str) -> types.EmbeddedResource:
    inside = types.TextResourceContents(uri=uri, mime_type=mime_type, text=words)
    return types.EmbeddedResource(type="resource", resource=inside)


@CONTENT.tool("test_simple_text", "Says one sentence.")
async def simple_text(_: Call) -> types.CallToolResult:
    return said("This is a simple text response for testing.")


@CONTENT.tool("test_image_content", "Shows one pixel.")
async def image_content(_: Call) -> types.CallToolResult:
    return said(picture())


@CONTENT.tool("test_audio_content", "Plays a moment of silence.")
async def audio_content(_: Call) -> types.CallToolResult:
    return said(types.AudioContent(type="audio", data=SILENCE, mime_type="audio/wav"))


@CONTENT.tool("test_embedded_resource", "Hands out a resource within its answer.")
async def embedded_resource(_: Call) -> types.CallToolResult:
    return said(embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."))


@CONTENT.tool("test_multiple_content_types", "Text, a picture and a resource at once.")
async def several_kinds(_: Call) -> types.CallToolResult:
    inside = embedded("test://mixed-content-resource", "application/json", json.dumps({"test": "data", "value": 123}))
    return said("Multiple content types test:", picture(), inside)


@CONTENT.tool("test_error_handling", "Always fails.")
async def failing(_: Call) -> types.CallToolResult:
    return said("This tool intentionally returns an error for testing", is_error=True)


@CONTENT.tool("test_missing_capability", "Refuses clients that cannot lend their model.")
async def needs_sampling(call: Call) -> types.CallToolResult:
    if call.capabilities.sampling is None:
        raise missing(sampling={})
    return said("sampling was declared")


@CONTENT.tool(
    "test_x_mcp_header", "One argument is repeated in a header.", takes(region={"type": "string", "x-mcp-header": "Region"})
)
async def with_header(call: Call) -> types.CallToolResult:
    return said(f"region={call.arguments.get('region')}")


_STREET_AND_CITY = {"$anchor": "addressDef", "type": "object", "properties": {k: {"type": "string"} for k in ("street", "city")}}
_WIDE_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {"address": _STREET_AND_CITY},
    **takes(
        name="string",
        address={"$ref": "#/$defs/address"},
        contactMethod={"type": "string", "enum": ["phone", "email"]},
        phone="string",
        email="string",
    ),
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


@CONTENT.tool("json_schema_2020_12_tool", "Its schema uses what the dialect has.", _WIDE_SCHEMA)
async def wide_schema(call: Call) -> types.CallToolResult:
    return said(json.dumps(dict(call.arguments), sort_keys=True))


@CONTENT.tool(
    "probe_structured",
    "Everything a result may carry besides text.",
    title="Structured probe",
    annotations=types.ToolAnnotations(title="Structured probe", read_only_hint=True, idempotent_hint=True),
    icons=[types.Icon(src="data:image/png;base64," + PIXEL, mime_type="image/png", sizes=["1x1"])],
    output_schema=takes(("n",), n="integer", items="array"),
    _meta={"example.test/tool": {"kept": True}},
)
async def structured(_: Call) -> types.CallToolResult:
    noted = text("three items").model_copy(update={"annotations": types.Annotations(audience=["assistant"], priority=0.5)})
    link = types.ResourceLink(type="resource_link", uri="test://static-text", name="static-text", mime_type="text/plain")
    return said(noted, link, structured_content={"n": 3, "items": [1, "two", None]}, _meta={"example.test/result": "kept"})


@CONTENT.tool("probe_request", "What arrived: revision, capabilities, metadata, headers.", takes(value={}))
async def what_arrived(call: Call) -> types.CallToolResult:
    request = call.context.request
    seen = {
        "revision": call.context.protocol_version,
        "capabilities": call.capabilities.model_dump(by_alias=True, exclude_none=True, mode="json"),
        "client": _client_info(call),
        "meta": {key: value for key, value in dict(call.context.meta or {}).items() if "modelcontextprotocol" not in key},
        "headers": dict(request.headers) if request is not None else {},
        "arguments": dict(call.arguments),
    }
    return said(json.dumps(seen, default=str), structured_content=json.loads(json.dumps(seen, default=str)))


def _client_info(call: Call) -> dict[str, object]:
    known = call.context.session.client_params
    return known.client_info.model_dump(by_alias=True, exclude_none=True, mode="json") if known else {}


@CONTENT.tool("probe_echo", "Gives back what it was given.", takes(value={}))
async def echo(call: Call) -> types.CallToolResult:
    value = call.arguments.get("value")
    return said(json.dumps(value, ensure_ascii=False), structured_content={"value": value})


@CONTENT.tool("probe_bytes", "A text of the given size.", takes(size="integer"))
async def many_bytes(call: Call) -> types.CallToolResult:
    return said("x" * int(call.arguments.get("size", 1000)))


@CONTENT.tool(
    "probe_rpc_error", "Fails with the code, message and data it is given.", takes(code="integer", message="string", data={})
)
async def protocol_error(call: Call) -> types.CallToolResult:
    given = call.arguments
    message = str(given.get("message", "custom failure"))
    raise MCPError(int(given.get("code", -32050)), message, given.get("data", {"detail": "kept"}))
