"""Tools that need their client while they work: its user, its model, its folders. In both eras from one text."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from tests.upstreams.conformance.fixtures import Asked, Call, Fixtures, form, roots, said, sampling, takes

ASKING = Fixtures()
NAME = takes(("name",), name="string")
OK = takes(("ok",), ok="boolean")
USER = takes(
    ("username", "email"),
    username={"type": "string", "description": "User's response"},
    email={"type": "string", "description": "User's email address"},
)
DEFAULTS = takes(
    name={"type": "string", "default": "John Doe"},
    age={"type": "integer", "default": 30},
    score={"type": "number", "default": 95.5},
    status={"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    verified={"type": "boolean", "default": True},
)


def _titled(prefix: str, noun: str) -> list[dict[str, str]]:
    return [{"const": f"{prefix}{n}", "title": f"{which} {noun}"} for n, which in enumerate(("First", "Second", "Third"), 1)]


ENUMS = takes(
    untitledSingle={"type": "string", "enum": ["option1", "option2", "option3"]},
    titledSingle={"type": "string", "oneOf": _titled("value", "Option")},
    legacyEnum={
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    untitledMulti={"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
    titledMulti={"type": "array", "items": {"anyOf": _titled("value", "Choice")}},
)


def outcome(result: types.ElicitResult) -> str:
    return f"action={result.action}, content={json.dumps(result.content or {}, sort_keys=True)}"


def _asks_by_form(name: str, about: str, schema: dict[str, Any], lead: str) -> None:
    @ASKING.tool(name, about, takes(message="string"))
    async def run(call: Call) -> types.CallToolResult:
        got = await call.ask(answer=form(str(call.arguments.get("message", about)), schema))
        return said(f"{lead}: {outcome(got['answer'])}")


_asks_by_form("test_elicitation", "Asks the user for a name and an address.", USER, "User response")
_asks_by_form("test_elicitation_sep1034_defaults", "Asks with a default in each field.", DEFAULTS, "Elicitation completed")
_asks_by_form("test_elicitation_sep1330_enums", "Asks with every kind of choice.", ENUMS, "Elicitation completed")


@ASKING.tool("test_sampling", "Asks the client's model.", takes(("prompt",), prompt="string"))
async def asks_model(call: Call) -> types.CallToolResult:
    got = await call.ask(sample=sampling(str(call.arguments.get("prompt", ""))))
    return said(f"LLM response: {_words(got['sample'])}")


@ASKING.tool("test_streaming_elicitation", "Tells how far it is, then asks.")
async def tells_then_asks(call: Call) -> types.CallToolResult:
    if call.state is None:
        await call.progress(1, 2)
    got = await call.ask(answer=form("Continue?", OK))
    return said(outcome(got["answer"]))


@ASKING.tool("test_input_required_result_elicitation", "One question, then a greeting.")
async def asks_name(call: Call) -> types.CallToolResult:
    got = await call.ask(user_name=form("What is your name?", NAME))
    return said(f"Hello, {(got['user_name'].content or {}).get('name', 'stranger')}!")


@ASKING.tool("test_input_required_result_sampling", "One question to the client's model.")
async def asks_capital(call: Call) -> types.CallToolResult:
    got = await call.ask(capital_question=sampling("What is the capital of France?"))
    return said(f"The model said: {_words(got['capital_question'])}")


@ASKING.tool("test_input_required_result_list_roots", "Asks for the client's folders.")
async def asks_roots(call: Call) -> types.CallToolResult:
    got = await call.ask(client_roots=roots())
    return said("roots: " + ", ".join(str(root.uri) for root in got["client_roots"].roots))


@ASKING.tool("test_input_required_result_request_state", "Wants its state back with the answer.")
async def wants_state(call: Call) -> types.CallToolResult:
    await call.ask(confirm=form("Please confirm", OK))
    return said("state-ok" if call.state is not None or not call.is_modern else "the state is missing")


@ASKING.tool("test_input_required_result_tampered_state", "Does not accept a state it did not give.")
async def wants_own_state(call: Call) -> types.CallToolResult:
    await call.ask(confirm=form("Please confirm", OK))
    return said("state-ok")


@ASKING.tool("test_input_required_result_multiple_inputs", "Three questions of three kinds at once.")
async def asks_all(call: Call) -> types.CallToolResult:
    await call.ask(user_name=form("What is your name?", NAME), greeting=sampling("Generate a greeting", 50), client_roots=roots())
    return said("all three answers arrived")


@ASKING.tool("test_input_required_result_multi_round", "Two questions, one after the other.")
async def asks_twice(call: Call) -> types.CallToolResult:
    one = await call.ask(step1=form("Step 1: What is your name?", NAME))
    two = await call.ask(step2=form("Step 2: What is your favorite color?", takes(("color",), color="string")))
    return said(f"{_field(one['step1'], 'name')} likes {_field(two['step2'], 'color')}")


@ASKING.tool("test_input_required_result_capabilities", "Asks only what the client can answer.")
async def asks_what_it_may(call: Call) -> types.CallToolResult:
    able = call.capabilities
    wanted: Mapping[str, tuple[object, Asked]] = {
        "sample": (able.sampling, sampling("Say hello", 50)),
        "form": (able.elicitation, form("What is your name?", NAME)),
        "roots": (able.roots, roots()),
    }
    await call.ask(**{key: asked for key, (declared, asked) in wanted.items() if declared is not None})
    return said("asked what could be answered")


@ASKING.tool("test_tool_with_logging", "Says three things while it works.")
async def logs(call: Call) -> types.CallToolResult:
    for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await call.log(line)
        await asyncio.sleep(0.05)
    return said("logged three lines")


@ASKING.tool("test_logging_tool", "Says something whether asked to or not.")
async def logs_unasked(call: Call) -> types.CallToolResult:
    await call.log("a line nobody asked for")
    return said("done")


@ASKING.tool("test_tool_with_progress", "Tells how far it is: 0, 50, 100.")
async def tells_progress(call: Call) -> types.CallToolResult:
    for done in (0, 50, 100):
        await call.progress(done, 100)
        await asyncio.sleep(0.05)
    return said("progress reported")


@ASKING.tool("test_reconnection", "Closes its own stream before it answers.")
async def closes_stream(call: Call) -> types.CallToolResult:
    await call.log("closing the stream")
    if call.context.close_sse_stream is not None:
        await call.context.close_sse_stream()
    await asyncio.sleep(0.2)
    return said("answered after the stream was closed")


def _words(result: types.CreateMessageResult) -> str:
    return str(getattr(result.content, "text", ""))


def _field(result: types.ElicitResult, name: str) -> object:
    return (result.content or {}).get(name)
