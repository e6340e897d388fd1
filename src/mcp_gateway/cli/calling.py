"""Carrying out `mcp-gateway call`. Apart from the command, whose help should not wait for all of this; and what one tool needs
and others do not, the gateway that asks, the store, the remedies, is loaded when it is needed.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mcp_gateway.access.act import Act
from mcp_gateway.access.policy.model import Target
from mcp_gateway.access.policy.own_tools import OWN_SERVER, OWN_TOOLS
from mcp_gateway.cli.logging_setup import quiet_settings
from mcp_gateway.cli.telling import at_a_terminal, print_lines
from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.collecting import garbage_left
from mcp_gateway.core.errors import GatewayError, InvalidInput, Json, NotFound
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.entrypoints.mcp.offer import Call, OfferedTool, ToolOutput
from mcp_gateway.entrypoints.mcp.operations_text.lines import Line, code_lines, say
from mcp_gateway.entrypoints.mcp.operations_text.tell import tell
from mcp_gateway.entrypoints.mcp.operations_tools import operations_tools
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.operations import OPS, open_operations
from mcp_gateway.wiring.watched import Watched

if TYPE_CHECKING:
    from mcp_gateway.diagnostics.actions.operating import Applied
    from mcp_gateway.wiring.foundation import Foundation

MAX_ARGUMENT_BYTES: Final = 4 * 1024 * 1024
SERVERS: Final = (OPS, OWN_SERVER)


class UnknownOwnTool(NotFound):
    """The gateway has no tool of its own of this name."""

    code = "UNKNOWN_OWN_TOOL"
    hint = "Tools of registered servers are called at a gateway that serves: POST /mcp/TOOL, or any MCP client."


class Remedy(NamedTuple):
    """Which of the recommended ones to carry out; and whether without asking."""

    which: str
    yes: bool


def carry_out(
    tool: str,
    arguments: str,
    *,
    watched: Watched,
    expected: Mapping[str, str],
    remedy: Remedy | None = None,
    as_json: bool | None = None,
) -> bool:
    """Print the result, or the error; whether it is a result as expected, and the remedy, if there is one, helped.

    `as_json` None: as lines where a person reads them, as JSON elsewhere.
    """
    settings = quiet_settings()
    in_words = at_a_terminal() if as_json is None else not as_json
    try:
        given = _object(sys.stdin.read(MAX_ARGUMENT_BYTES + 1) if arguments == "-" else arguments)
        output = asyncio.run(_call(tool, given, settings, watched))
        if in_words:
            print_lines(_lines(tool, output))
        result, helped = output.structured, True
        if remedy is not None:
            applied = _apply(result, remedy, settings, watched)
            result = {**result, "applied": None if applied is None else applied.to_dict()}
            helped = applied is not None and applied.helped
    except GatewayError as error:
        if in_words:
            print_lines([say("bad", error.message), say("plain", error.hint)])
        else:
            _print({"error": error.to_dict()})
        return False
    if not in_words:
        _print(result)
    return helped and all(_text(result.get(field)) == value for field, value in expected.items())


async def _call(tool: str, arguments: Mapping[str, Any], settings: Settings, watched: Watched) -> ToolOutput:
    server = next((one for one in SERVERS if tool in OWN_TOOLS[one]), None)
    if server is None:
        raise UnknownOwnTool(f"There is no tool {tool[:100]}.", tools=[name for one in SERVERS for name in OWN_TOOLS[one]])
    async with _tool(server, tool, settings, watched) as offered:
        return await offered.invoke(arguments, Call(caller=LOCAL_CALLER, report=_unheard))


@asynccontextmanager
async def _tool(server: str, tool: str, settings: Settings, watched: Watched) -> AsyncIterator[OfferedTool]:
    """Where a store is named it is the organisation's: what is done here is decided by its rules and stands in its trail."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        foundation = None if settings.database_url is None else await stack.enter_async_context(_foundation(settings, clock))
        if server == OWN_SERVER:
            yield await stack.enter_async_context(_own_tool(tool, settings, clock, foundation))
            return
        operations = await stack.enter_async_context(open_operations(settings, clock=clock, watched=watched))
        offered = next(one for one in operations_tools(operations) if one.tool.name == tool)
        access = None if foundation is None else foundation.access
        if access is None:
            yield offered
            return

        async def governed(arguments: Mapping[str, Any], call: Call) -> ToolOutput:
            act = Act(
                action=OWN_TOOLS[server][tool], target=Target(server=server, tool=tool), arguments=arguments, face="command"
            )
            return await access.governor.carry_out(call.caller, act, lambda: offered.invoke(arguments, call))

        yield OfferedTool(tool=offered.tool, invoke=governed)


@asynccontextmanager
async def _foundation(settings: Settings, clock: Clock) -> "AsyncIterator[Foundation]":
    with garbage_left():
        from mcp_gateway.wiring.guarded_foundation import open_guarded_foundation  # noqa: PLC0415 - slow; not without a store
    async with open_guarded_foundation(settings, clock=clock) as foundation:
        yield foundation


@asynccontextmanager
async def _own_tool(tool: str, settings: Settings, clock: Clock, foundation: "Foundation | None") -> AsyncIterator[OfferedTool]:
    with garbage_left():
        from mcp_gateway.asgi.embedded import open_embedded_gateway  # noqa: PLC0415 - slow; for these tools alone
        from mcp_gateway.entrypoints.mcp.ask import build_ask_server  # noqa: PLC0415 - slow; for these tools alone
    async with open_embedded_gateway(settings, clock=clock, foundation=foundation) as gateway:
        yield build_ask_server(gateway).tool(tool)


def _apply(diagnosis: Mapping[str, Json], remedy: Remedy, settings: Settings, watched: Watched) -> "Applied | None":
    with garbage_left():
        from mcp_gateway.cli import mending  # noqa: PLC0415 - slow; for a remedy alone
    return mending.carry_out(mending.chosen(diagnosis, remedy.which), settings, watched, yes=remedy.yes)


async def _unheard(done: float, total: float | None, words: str) -> None:
    """Nobody waits for progress here."""


def _object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text) if len(text) <= MAX_ARGUMENT_BYTES else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidInput("The arguments are no JSON object.", hint="""Write them as '{"name": "value"}'.""")
    return value


def _lines(tool: str, output: ToolOutput) -> Iterable[Line]:
    if tool in OWN_TOOLS[OPS]:
        return tell(tool, output.structured)
    text = output.text if output.text is not None else json.dumps(output.structured, ensure_ascii=False, indent=2)
    return code_lines(text)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _print(value: Mapping[str, Json]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
