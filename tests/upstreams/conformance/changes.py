"""Tools that change what is offered, or last long enough to be cancelled."""

import asyncio
import json

import mcp_types as types
from mcp.server.subscriptions import PromptsListChanged, ResourcesListChanged, ResourceUpdated, ServerEvent, ToolsListChanged
from tests.upstreams.conformance.fixtures import Call, Fixtures, said, takes

CHANGES = Fixtures()


def _announces(kind: str, event: ServerEvent) -> None:
    @CHANGES.tool(f"test_trigger_{kind}_change", f"Tells everybody that the list of {kind}s changed.")
    async def run(call: Call) -> types.CallToolResult:
        await call.world.announce(event, f"notifications/{kind}s/list_changed")
        return said("announced")


_announces("tool", ToolsListChanged())
_announces("prompt", PromptsListChanged())
_announces("resource", ResourcesListChanged())


@CHANGES.tool("probe_touch_resource", "Tells who watches a resource that it changed.", takes(("uri",), uri="string"))
async def touch(call: Call) -> types.CallToolResult:
    uri = str(call.arguments["uri"])
    await call.world.announce_resource(ResourceUpdated(uri=uri), uri)
    return said(f"update of {uri} announced")


@CHANGES.tool("probe_sleep", "Sleeps, and remembers whether it was cancelled.", takes(seconds="number", label="string"))
async def sleeps(call: Call) -> types.CallToolResult:
    label, left = str(call.arguments.get("label", "default")), float(call.arguments.get("seconds", 1))
    call.world.sleeps[label] = "running"
    try:
        while left > 0:
            await asyncio.sleep(min(0.1, left))
            left -= 0.1
            await call.progress(1 - left, 1)
    except asyncio.CancelledError:
        call.world.sleeps[label] = "cancelled"
        raise
    call.world.sleeps[label] = "finished"
    return said("slept")


@CHANGES.tool("probe_sleeps", "What became of those who slept.")
async def what_became(call: Call) -> types.CallToolResult:
    return said(json.dumps(call.world.sleeps, sort_keys=True), structured_content=dict(call.world.sleeps))
