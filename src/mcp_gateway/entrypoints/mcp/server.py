"""One low-level MCP server from a list of tools and a list of resources, for both protocol eras.

It knows nothing of what the tools do and nothing of transports (`hosting.py`). What it adds to the SDK: errors in one shape,
a bound on calls at the same time, and an end to a call whose caller went away.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypeAlias

import anyio
import mcp_types as types
import structlog
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.server.caching import CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel.server import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError
from starlette.requests import Request

from mcp_gateway.access.errors import NotAllowed
from mcp_gateway.access.governor import Governor
from mcp_gateway.core.errors import GatewayError, Internal, Json, Unavailable
from mcp_gateway.entrypoints.mcp.caller import caller_of
from mcp_gateway.entrypoints.mcp.changes import ChangeFeed
from mcp_gateway.entrypoints.mcp.data_view import DataView
from mcp_gateway.entrypoints.mcp.errors import ServerBusy, protocol_error, tool_error, unknown_resource, unknown_tool
from mcp_gateway.entrypoints.mcp.governance import Governance
from mcp_gateway.entrypoints.mcp.limits import READ, CallLimits
from mcp_gateway.entrypoints.mcp.offer import Call, OfferedResource, OfferedTool, ToolOutput
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter

Context: TypeAlias = ServerRequestContext[Any, Any]

MAX_CALLS_AT_ONCE = 16
MAX_CALLS_WAITING = 256
# Clients of an earlier revision do not look for structured content.
STRUCTURED_SINCE = "2025-06-18"
# Tools and capabilities are fixed while the process lives; a new version of the product is noticed within this time.
FIXED_TTL_MS = 300_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """How the server introduces itself."""

    name: str
    title: str
    description: str
    instructions: str


class McpFace:
    """A server ready to be hosted.

    `watch` runs as long as the server is hosted and publishes on `changes` what it notices. `health` raises `GatewayError`
    when the part behind the server cannot work, and returns a few facts otherwise. `data` is what callers may see of the
    database behind it; None: there is none.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        tools: Sequence[OfferedTool],
        resources: Sequence[OfferedResource],
        changes: ChangeFeed,
        watch: Callable[[], Coroutine[Any, Any, None]] | None = None,
        health: Callable[[], Awaitable[Mapping[str, Json]]] | None = None,
        list_ttl_ms: int = 0,
        data: DataView | None = None,
    ) -> None:
        self.identity = identity
        self.data = data
        self.changes = changes
        self.watch = watch
        self.health = health
        self._tools = {offered.tool.name: offered for offered in tools}
        self._resources = {offered.uri: offered for offered in resources}
        self._admission = _Admission(MAX_CALLS_AT_ONCE, MAX_CALLS_WAITING)
        self._list_ttl_ms = list_ttl_ms
        self._limits: CallLimits | None = None
        self._governance: Governance | None = None
        self.server = self._build()

    def tool(self, name: str) -> OfferedTool:
        """For callers in this process, whom nobody holds to anything. Raises `KeyError`."""
        return self._tools[name]

    def limit(self, limiter: EnterpriseRateLimiter, names: Mapping[str, str] | None = None) -> None:
        """Hold callers over HTTP to limits; `names` are operations of tools that share one with another face."""
        self._limits = CallLimits(limiter, prefix=f"mcp.{self.identity.name}", names=names)

    def govern(self, governor: Governor, *, server: str, by_use_case: bool = False) -> None:
        """Hold callers over HTTP to the policy; `server` is its name in rules. `by_use_case`: what the tools call decides."""
        self._governance = Governance(governor, server=server, by_use_case=by_use_case)

    def _build(self) -> Server[Any]:
        # Lists differ from caller to caller.
        hint = CacheHint(ttl_ms=FIXED_TTL_MS, scope="private")
        server = _AnnouncingServer(
            self.identity.name,
            version=version("mcp-gateway"),
            title=self.identity.title,
            description=self.identity.description,
            instructions=self.identity.instructions,
            cache_hints={"server/discover": hint, "tools/list": hint, "resources/templates/list": hint},
            get_tool_input_schema=lambda name: offered.tool.input_schema if (offered := self._tools.get(name)) else None,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
            on_subscribe_resource=self._subscribe,
            on_unsubscribe_resource=self._unsubscribe,
            on_subscriptions_listen=self.changes.listen,
        )
        server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, self._set_log_level)
        server.add_notification_handler("notifications/initialized", types.NotificationParams, self._join)
        server.middleware.append(_hide_faults)
        if any(resource.mime_type == APP_MIME_TYPE for resource in self._resources.values()):
            server.extensions = {EXTENSION_ID: {}}
        return server

    async def _list_tools(self, ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        _refuse_cursor(params)
        governance = self._governance
        try:
            seen = [
                offered.tool for name, offered in self._tools.items() if governance is None or governance.sees(ctx.request, name)
            ]
        except GatewayError as error:
            raise protocol_error(error) from error
        return types.ListToolsResult(tools=seen)

    async def _call_tool(self, ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        offered = self._tools.get(params.name)
        if offered is None:
            raise unknown_tool(params.name)
        return await _while_wanted(ctx, lambda: self._run(offered, ctx, params))

    async def _run(self, offered: OfferedTool, ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            call = Call(caller=caller_of(ctx.request), report=ctx.session.report_progress)
            if self._limits is not None:
                await self._limits.admit(ctx.request, params.name)
            async with self._admission.slot():
                output = await self._invoke(offered, ctx, call, params)
        except NotAllowed as error:
            raise unknown_tool(params.name) from error
        except GatewayError as error:
            if self._governance is not None and not self._governance.sees(ctx.request, params.name):
                # Arguments are read before some tools are decided about: what is wrong with them would tell of the tool.
                raise unknown_tool(params.name) from error
            return tool_error(error)
        except Exception:  # noqa: BLE001
            _log.exception("tool_fault", tool=params.name)
            return tool_error(Internal(f"The tool {params.name} failed in a way it should not."))
        texts = output.texts(structured_known=ctx.protocol_version >= STRUCTURED_SINCE)
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=text) for text in texts], structured_content=output.structured
        )

    async def _invoke(self, offered: OfferedTool, ctx: Context, call: Call, params: types.CallToolRequestParams) -> ToolOutput:
        arguments = params.arguments or {}
        if self._governance is None:
            return await offered.invoke(arguments, call)
        return await self._governance.call(ctx.request, params.name, arguments, lambda: offered.invoke(arguments, call))

    async def _list_resources(self, _: Context, params: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        _refuse_cursor(params)
        listed = [offered.listed() for offered in self._resources.values()]
        return types.ListResourcesResult(resources=listed, ttl_ms=self._list_ttl_ms, cache_scope="public")

    async def _list_templates(self, _: Context, params: types.PaginatedRequestParams | None) -> types.ListResourceTemplatesResult:
        _refuse_cursor(params)
        return types.ListResourceTemplatesResult(resource_templates=[])

    async def _read_resource(self, ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = str(params.uri)
        offered = self._resources.get(uri)
        if offered is None:
            raise unknown_resource(uri, ctx.protocol_version)
        try:
            if self._limits is not None:
                await self._limits.admit(ctx.request, READ)
            caller = caller_of(ctx.request)
            if self._governance is None:
                current = await offered.read(caller)
            else:
                current = await self._governance.read(ctx.request, uri, lambda: offered.read(caller))
        except NotAllowed as error:
            raise unknown_resource(uri, ctx.protocol_version) from error
        except GatewayError as error:
            raise protocol_error(error) from error
        meta = dict(offered.meta) if offered.meta else None
        contents = types.TextResourceContents(uri=uri, mime_type=offered.mime_type, text=current.text, _meta=meta)
        return types.ReadResourceResult(contents=[contents], ttl_ms=current.ttl_ms, cache_scope="private")

    async def _subscribe(self, ctx: Context, params: types.SubscribeRequestParams) -> types.EmptyResult:
        uri = str(params.uri)
        if uri not in self._resources:
            raise unknown_resource(uri, ctx.protocol_version)
        self.changes.subscribe(ctx.session, uri)
        return types.EmptyResult()

    async def _unsubscribe(self, ctx: Context, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
        self.changes.unsubscribe(ctx.session, str(params.uri))
        return types.EmptyResult()

    async def _set_log_level(self, ctx: Context, params: types.SetLevelRequestParams) -> types.EmptyResult:
        self.changes.set_log_level(ctx.session, params.level)
        return types.EmptyResult()

    async def _join(self, ctx: Context, _: types.NotificationParams) -> None:
        self.changes.join(ctx.session)


class _AnnouncingServer(Server[Any]):
    """Says during the handshake that changes of the resource list are announced; over HTTP the SDK leaves no other place."""

    def create_initialization_options(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
    ) -> InitializationOptions:
        announced = notification_options or NotificationOptions(resources_changed=True)
        return super().create_initialization_options(announced, experimental_capabilities, extensions)


class _Admission:
    """At most `running` calls at once, and at most `waiting` more in the queue."""

    def __init__(self, running: int, waiting: int) -> None:
        self._running = anyio.Semaphore(running)
        self._most = running + waiting
        self._present = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Raises `ServerBusy` when the queue is full."""
        if self._present >= self._most:
            raise ServerBusy(calls=self._present)
        self._present += 1
        try:
            async with self._running:
                yield
        finally:
            self._present -= 1


async def _while_wanted(ctx: Context, work: Callable[[], Awaitable[types.CallToolResult]]) -> types.CallToolResult:
    """Does the work, and stops it when the HTTP request it answers is gone.

    Needed for the handshake era over Streamable HTTP alone: the SDK keeps such a call running for a client that might resume
    the stream, which these servers do not offer, so nobody could ever fetch the result. On every other path the SDK ends it.
    """
    request = ctx.request
    legacy = ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS
    if not (legacy and isinstance(request, Request) and "mcp-session-id" in request.headers):
        return await work()
    result: types.CallToolResult | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(_cancel_on_disconnect, request, group.cancel_scope)
        result = await work()
        group.cancel_scope.cancel()
    return result or tool_error(Unavailable("The call was stopped because its caller went away."))


async def _cancel_on_disconnect(request: Request, scope: anyio.CancelScope) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _hide_faults(ctx: Context, call_next: CallNext) -> HandlerResult:
    """The outermost wall: what nobody foresaw is logged here and leaves as an internal error without its words."""
    try:
        return await call_next(ctx)
    except (MCPError, ValidationError):
        raise
    except Exception:  # noqa: BLE001
        _log.exception("request_fault", method=ctx.method)
        raise protocol_error(Internal()) from None


def _refuse_cursor(params: types.PaginatedRequestParams | None) -> None:
    """Every list fits on one page, so no cursor was ever handed out."""
    if params is not None and params.cursor is not None:
        raise MCPError(code=types.INVALID_PARAMS, message="Invalid cursor")
