"""The requests sent on a session, and their results as values. Nothing here retries; errors of the SDK pass through."""

import json
from collections.abc import Mapping
from typing import Any

from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError
from mcp.types import (
    HEADER_MISMATCH,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    TextResourceContents,
)
from pydantic import TypeAdapter

from mcp_gateway.adapters.upstream.faults import mapping_of, shortened, text_of
from mcp_gateway.ask.configuration import MCPServerConfig
from mcp_gateway.ask.errors import UpstreamToolError
from mcp_gateway.ask.ports import Resource, ResourceContent, ResourceListing
from mcp_gateway.core.errors import GatewayError, Json, ResourceFetchError

# A list that goes on beyond this is broken or hostile.
MAX_PAGES, MAX_ENTRIES = 50, 5000
# Longest a copy may be used on a server's word alone.
MAX_TTL_SECONDS = 86_400.0
_TOOL_RESULT: TypeAdapter[CallToolResult] = TypeAdapter(CallToolResult)


async def list_resources(config: MCPServerConfig, session: ClientSession) -> ResourceListing:
    """All pages; the list is as fresh as its first stale page. A server without resources lists none."""
    capabilities = session.server_capabilities
    if capabilities is not None and capabilities.resources is None:
        return ResourceListing(resources=(), ttl_seconds=MAX_TTL_SECONDS)
    found: list[Resource] = []
    ttl, cursor = MAX_TTL_SECONDS, None
    for _ in range(MAX_PAGES):
        page: ListResourcesResult = await session.list_resources(params=PaginatedRequestParams(cursor=cursor))
        found.extend(Resource(uri=str(one.uri), name=one.name, mime_type=one.mime_type) for one in page.resources)
        ttl, cursor = min(ttl, page.ttl_ms / 1000), page.next_cursor
        if not cursor:
            return ResourceListing(resources=tuple(found), ttl_seconds=ttl)
        if len(found) > MAX_ENTRIES:
            break
    raise refused(config, "resources/list", "its list of resources does not end")


async def list_tools(config: MCPServerConfig, session: ClientSession) -> tuple[str, ...]:
    """The names of all tools, in the server's order. A server without tools lists none."""
    capabilities = session.server_capabilities
    if capabilities is not None and capabilities.tools is None:
        return ()
    names: list[str] = []
    cursor = None
    for _ in range(MAX_PAGES):
        page: ListToolsResult = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        names.extend(tool.name for tool in page.tools)
        cursor = page.next_cursor
        if not cursor:
            return tuple(names)
        if len(names) > MAX_ENTRIES:
            break
    raise refused(config, "tools/list", "its list of tools does not end")


async def read_resource(config: MCPServerConfig, session: ClientSession, uri: str) -> ResourceContent:
    result = await session.read_resource(uri)
    texts = [content for content in result.contents if isinstance(content, TextResourceContents)]
    if not texts:
        raise refused(config, f"resources/read {uri}", "the resource has no text")
    chosen = next((content for content in texts if str(content.uri) == uri), texts[0])
    if len(chosen.text) > config.max_response_bytes:
        raise refused(config, f"resources/read {uri}", "the resource is larger than max_response_bytes")
    return ResourceContent(uri=uri, text=chosen.text, ttl_seconds=min(result.ttl_ms / 1000, MAX_TTL_SECONDS))


async def call_tool(config: MCPServerConfig, session: ClientSession, name: str, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """The structured result; of a tool without one, the object its text spells, or the text as `{"text": ...}`.

    The output schema is not checked here: that would cost a listing and a walk over each row, and whoever reads the result
    checks what it needs. Raises `UpstreamToolError`.
    """
    params = CallToolRequestParams(name=name, arguments=dict(arguments))
    try:
        result = await _send(config, session, params)
    except MCPError as error:
        if error.code != HEADER_MISMATCH:
            raise
        # The tool wants some arguments as headers too; the SDK learns which from the list.
        await list_tools(config, session)
        result = await _send(config, session, params)
    if result.is_error:
        raise _tool_error(config, name, result)
    content = result.structured_content
    if isinstance(content, dict):
        return content
    return _spelled_object(_text(result))


async def _send(config: MCPServerConfig, session: ClientSession, params: CallToolRequestParams) -> CallToolResult:
    request = CallToolRequest(params=params)
    return await session.send_request(request, _TOOL_RESULT, request_read_timeout_seconds=config.tool_timeout_seconds)


def _tool_error(config: MCPServerConfig, name: str, result: CallToolResult) -> UpstreamToolError:
    text = _text(result)
    shape: Mapping[str, object] = result.structured_content if isinstance(result.structured_content, dict) else {}
    reported = mapping_of((shape or _spelled_object(text)).get("error"))
    message = shortened(text_of(reported.get("message")) or text) or "The tool failed without a word."
    error = UpstreamToolError(
        message,
        server=config.key,
        tool=name,
        reported_code=shortened(text_of(reported.get("code"))),
        reported=_json_of(mapping_of(reported.get("data"))),
    )
    hint = text_of(reported.get("hint"))
    if hint:
        error.hint = shortened(hint)
    return error


def refused(config: MCPServerConfig, what: str, words: str) -> GatewayError:
    """The error for a request the server answered with a refusal, or with something that is no answer."""
    method, _, subject = what.partition(" ")
    message = f"The MCP server {config.key} refused {what}: {words}."
    if method == "tools/call":
        return UpstreamToolError(message, server=config.key, tool=subject)
    return ResourceFetchError(message, server=config.key, request=method, uri=subject or None)


def _text(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def _spelled_object(text: str) -> dict[str, Json]:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"text": text}


def _json_of(mapping: Mapping[str, object]) -> dict[str, Json]:
    # Came as JSON, so its values are.
    return {str(key): value for key, value in mapping.items()}  # type: ignore[misc]  # see above
