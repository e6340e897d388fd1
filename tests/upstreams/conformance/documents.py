"""What the server offers to read: resources, templates, prompts, and words to complete their arguments with."""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError
from tests.upstreams.conformance.content import PIXEL, embedded, picture
from tests.upstreams.conformance.fixtures import Call, form, takes, text

RESOURCE_NOT_FOUND_BEFORE = -32002
COMPLETIONS = {"arg1": ["paris", "park", "party", "hello"], "arg2": ["world", "word"], "id": ["123", "124", "200"]}


@dataclass(frozen=True, kw_only=True)
class Document:
    name: str
    about: str
    mime_type: str
    content: str | bytes


DOCUMENTS = {
    "test://static-text": Document(
        name="static-text", about="A text.", mime_type="text/plain", content="This is the content of the static text resource."
    ),
    "test://static-binary": Document(
        name="static-binary", about="A picture.", mime_type="image/png", content=base64.b64decode(PIXEL)
    ),
    "test://watched-resource": Document(
        name="watched-resource", about="Changes at times.", mime_type="text/plain", content="Watched resource content"
    ),
}
RESOURCES = [
    types.Resource(uri=uri, name=one.name, description=one.about, mime_type=one.mime_type) for uri, one in DOCUMENTS.items()
]
TEMPLATES = [
    types.ResourceTemplate(
        uri_template="test://template/{id}/data", name="template-data", description="Data of an id.", mime_type="application/json"
    ),
    types.ResourceTemplate(
        uri_template="test://guarded/{id}", name="guarded", description="Wants a reason first.", mime_type="text/plain"
    ),
]


def _needs(*names: str) -> list[types.PromptArgument]:
    return [types.PromptArgument(name=name, description=f"Test argument {name}", required=True) for name in names]


PROMPTS = [
    types.Prompt(name="test_simple_prompt", description="One fixed message."),
    types.Prompt(name="test_prompt_with_arguments", description="Repeats two arguments.", arguments=_needs("arg1", "arg2")),
    types.Prompt(
        name="test_prompt_with_embedded_resource", description="Holds the resource named.", arguments=_needs("resourceUri")
    ),
    types.Prompt(name="test_prompt_with_image", description="A picture and a text."),
    types.Prompt(name="test_input_required_result_prompt", description="Asks before it answers."),
]


async def read(call: Call, uri: str) -> types.ReadResourceResult:
    if uri in DOCUMENTS:
        return types.ReadResourceResult(contents=[_contents(uri, DOCUMENTS[uri])])
    if hit := re.fullmatch(r"test://template/([^/]+)/data", uri):
        data = json.dumps({"id": hit[1], "templateTest": True, "data": f"Data for ID: {hit[1]}"})
        return _text(uri, "application/json", data)
    if hit := re.fullmatch(r"test://guarded/([^/]+)", uri):
        got = await call.ask(reason=form("Why do you need this?", takes(("reason",), reason="string")))
        return _text(uri, "text/plain", f"{hit[1]} because {(got['reason'].content or {}).get('reason')}")
    code = types.INVALID_PARAMS if call.is_modern else RESOURCE_NOT_FOUND_BEFORE
    raise MCPError(code, "Resource not found", {"uri": uri})


async def prompt(call: Call, name: str) -> types.GetPromptResult:
    wanted = next((one for one in PROMPTS if one.name == name), None)
    if wanted is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {name}")
    absent = [one.name for one in wanted.arguments or [] if one.required and one.name not in call.arguments]
    if absent:
        raise MCPError(types.INVALID_PARAMS, "Missing arguments: " + ", ".join(absent))
    blocks = await _blocks(call, name)
    messages = [types.PromptMessage(role="user", content=text(one) if isinstance(one, str) else one) for one in blocks]
    return types.GetPromptResult(description=wanted.description, messages=messages)


async def _blocks(call: Call, name: str) -> list[Any]:
    given = call.arguments
    match name.removeprefix("test_"):
        case "simple_prompt":
            return ["This is a simple prompt for testing."]
        case "prompt_with_arguments":
            return [f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'"]
        case "prompt_with_embedded_resource":
            inside = embedded(str(given["resourceUri"]), "text/plain", "Embedded resource content for testing.")
            return [inside, "Please process the embedded resource above."]
        case "prompt_with_image":
            return [picture(), "Please analyze the image above."]
        case _:
            question = form("What context should the prompt use?", takes(("context",), context="string"))
            got = await call.ask(user_context=question)
            return [f"Context: {(got['user_context'].content or {}).get('context')}"]


def _contents(uri: str, document: Document) -> types.TextResourceContents | types.BlobResourceContents:
    if isinstance(document.content, bytes):
        blob = base64.b64encode(document.content).decode()
        return types.BlobResourceContents(uri=uri, mime_type=document.mime_type, blob=blob)
    return types.TextResourceContents(uri=uri, mime_type=document.mime_type, text=document.content)


def _text(uri: str, mime_type: str, words: str) -> types.ReadResourceResult:
    return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, mime_type=mime_type, text=words)])
