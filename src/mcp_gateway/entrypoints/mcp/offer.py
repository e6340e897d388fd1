"""What a server offers: tools and resources as values, before anything speaks MCP about them.

`offer_tool` takes a pydantic model for the arguments and a typed dict for the result, so the schemas a client sees and the
values the code handles cannot drift apart.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, TypeAlias, TypeVar

import mcp_types as types
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, WithJsonSchema
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.core.identity import Caller

# Any JSON value.
JsonValue: TypeAlias = Annotated[Any, WithJsonSchema({})]
Rows: TypeAlias = list[list[JsonValue]]
MOST_FAULTS_TOLD = 20


class Arguments(BaseModel):
    """The arguments of a tool. Unknown ones are refused, so that a misspelt option is not silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One running call as a tool sees it.

    `report` sends progress (done, total or None, a few words); it does nothing when the caller did not ask for progress.
    `caller` sent it.
    """

    caller: Caller
    report: Callable[[float, float | None, str], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolOutput:
    """`structured` is a JSON object that fits the tool's output schema; `text` None: the same as JSON text."""

    structured: Mapping[str, Any]
    text: str | None = None

    def texts(self, *, structured_known: bool) -> list[str]:
        """The text; for clients that do not know structured content the same as JSON text too."""
        if self.text is not None and structured_known:
            return [self.text]
        told = json.dumps(self.structured, ensure_ascii=False, separators=(",", ":"))
        return [told] if self.text is None else [self.text, told]


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferedTool:
    """`invoke` raises `GatewayError` for whatever the caller should know."""

    tool: types.Tool
    invoke: Callable[[Mapping[str, Any], Call], Awaitable[ToolOutput]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceText:
    """A resource as it is now. The server vouches for it for `ttl_ms` milliseconds; 0 means not at all."""

    text: str
    ttl_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferedResource:
    """`changed_at` says since when the content is what it is, where that is known without work; `read` is for one caller."""

    uri: str
    name: str
    title: str
    description: str
    read: Callable[[Caller], Awaitable[ResourceText]]
    mime_type: str = "application/json"
    changed_at: Callable[[], datetime | None] = field(default=lambda: None)
    meta: Mapping[str, Any] | None = None

    def listed(self) -> types.Resource:
        moment = self.changed_at()
        annotations = types.Annotations(last_modified=moment.isoformat()) if moment else None
        return types.Resource(
            uri=self.uri,
            name=self.name,
            title=self.title,
            description=self.description,
            mime_type=self.mime_type,
            annotations=annotations,
            _meta=dict(self.meta) if self.meta else None,
        )


def offer_tool(
    *,
    name: str,
    title: str,
    description: str,
    arguments: type[ArgumentsT],
    returns: type[object],
    run: Callable[[ArgumentsT, Call], Awaitable[ToolOutput]],
    meta: Mapping[str, Any] | None = None,
) -> OfferedTool:
    """A read-only tool. `returns` is a TypedDict that describes the structured result."""

    async def invoke(given: Mapping[str, Any], call: Call) -> ToolOutput:
        try:
            checked = arguments.model_validate(given)
        except ValidationError as fault:
            raise _invalid_arguments(name, fault) from None
        return await run(checked, call)

    tool = types.Tool(
        name=name,
        title=title,
        description=description,
        input_schema=_plain(arguments.model_json_schema(schema_generator=_UntitledSchema)),
        output_schema=_plain(TypeAdapter(returns).json_schema(schema_generator=_UntitledSchema)),
        annotations=types.ToolAnnotations(
            title=title, read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
        _meta=dict(meta) if meta else None,
    )
    return OfferedTool(tool=tool, invoke=invoke)


class _UntitledSchema(GenerateJsonSchema):
    """JSON Schema without a title that only repeats the field's name, and without a word about lists of anything.

    Clients hold every result against it: saying nothing of each of a thousand rows would cost them more than the query.
    """

    def list_schema(self, schema: core_schema.ListSchema) -> JsonSchemaValue:
        listed = super().list_schema(schema)
        if listed.get("items") in ({}, {"type": "array"}):
            listed.pop("items")
        return listed

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _plain(schema: JsonSchemaValue) -> dict[str, Any]:
    """Without the Python names and docstrings of the classes it came from."""
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("title", None)
        part.pop("description", None)
    return schema


def _invalid_arguments(tool: str, fault: ValidationError) -> InvalidInput:
    """What is wrong with the arguments of a call, named by field; the values are not repeated."""
    faults = [
        {"field": ".".join(str(part) for part in one["loc"]) or "arguments", "problem": one["msg"]}
        for one in fault.errors(include_input=False, include_url=False, include_context=False)[:MOST_FAULTS_TOLD]
    ]
    said = "; ".join(f"{one['field']}: {one['problem']}" for one in faults)
    return InvalidInput(
        f"The arguments of {tool} are not valid: {said}",
        hint="Look at the tool's input schema and correct the fields named in the message.",
        faults=[dict(one) for one in faults],
    )
