"""The low-level server over all fixtures. Cache hints are odd on purpose: one carried through differs from one made up."""

from collections.abc import Sequence
from typing import Any, TypeVar

import mcp_types as types
from mcp.server.caching import CacheHint
from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel.server import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import ListenHandler
from mcp.shared.exceptions import MCPError
from tests.upstreams.conformance import documents
from tests.upstreams.conformance.asking import ASKING
from tests.upstreams.conformance.changes import CHANGES
from tests.upstreams.conformance.content import CONTENT
from tests.upstreams.conformance.fixtures import TASKS, Call, Context, Fixture, InputNeeded, World, missing
from tests.upstreams.conformance.tasks import TASK_TOOLS, TaskMethods, TaskParams, begin, may_have_tasks

Item = TypeVar("Item")
FIXTURES: dict[str, Fixture] = {**CONTENT.by_name, **ASKING.by_name, **CHANGES.by_name, **TASK_TOOLS.by_name}


class ConformanceServer(Server[Any]):
    """`page_size` 0: lists come whole."""

    def __init__(self, name: str = "conformance-fixture", *, page_size: int = 0) -> None:
        self.world = World()
        self._page_size = page_size
        super().__init__(
            name,
            version="1.0.0",
            title="Conformance fixture",
            instructions="Fixtures for the MCP conformance suite and for tests of a gateway.",
            cache_hints={
                "server/discover": CacheHint(ttl_ms=60_001, scope="public"),
                "tools/list": CacheHint(ttl_ms=60_002, scope="public"),
                "prompts/list": CacheHint(ttl_ms=60_003, scope="public"),
                "resources/list": CacheHint(ttl_ms=60_004, scope="private"),
                "resources/templates/list": CacheHint(ttl_ms=60_005, scope="private"),
                "resources/read": CacheHint(ttl_ms=60_006, scope="private"),
            },
            get_tool_input_schema=lambda name: FIXTURES[name].tool.input_schema if name in FIXTURES else None,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_prompts=self._list_prompts,
            on_get_prompt=self._get_prompt,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
            on_subscribe_resource=self._subscribe,
            on_unsubscribe_resource=self._unsubscribe,
            on_completion=self._complete,
            on_subscriptions_listen=ListenHandler(self.world.bus),
        )
        self.extensions = {TASKS: {}}
        self.middleware.append(_Remembered(self.world))
        self.middleware.append(
            RequestStateBoundary(RequestStateSecurity(keys=[b"known to everybody, it is a test" * 2]), default_audience=name)
        )
        self.add_request_handler("logging/setLevel", types.SetLevelRequestParams, self._set_level)
        methods = TaskMethods(self.world)
        for method, handler in (("get", methods.get), ("update", methods.update), ("cancel", methods.cancel)):
            self.add_request_handler(f"tasks/{method}", TaskParams, handler)

    def create_initialization_options(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
    ) -> InitializationOptions:
        changing = NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)
        return super().create_initialization_options(notification_options or changing, experimental_capabilities, extensions)

    async def _list_tools(self, _: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        page, more = self._page([fixture.tool for fixture in FIXTURES.values()], params)
        return types.ListToolsResult(tools=page, next_cursor=more)

    async def _list_prompts(self, _: Context, params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        page, more = self._page(documents.PROMPTS, params)
        return types.ListPromptsResult(prompts=page, next_cursor=more)

    async def _list_resources(self, _: Context, params: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        page, more = self._page(documents.RESOURCES, params)
        return types.ListResourcesResult(resources=page, next_cursor=more)

    async def _list_templates(self, _: Context, params: types.PaginatedRequestParams | None) -> types.ListResourceTemplatesResult:
        page, more = self._page(documents.TEMPLATES, params)
        return types.ListResourceTemplatesResult(resource_templates=page, next_cursor=more)

    def _page(self, items: Sequence[Item], params: types.PaginatedRequestParams | None) -> tuple[list[Item], str | None]:
        cursor = (params.cursor if params else None) or "0"
        if not cursor.isdigit():
            raise MCPError(types.INVALID_PARAMS, "Invalid cursor")
        start = int(cursor)
        end = start + (self._page_size or len(items))
        return list(items[start:end]), str(end) if end < len(items) else None

    async def _call_tool(self, context: Context, params: types.CallToolRequestParams) -> Any:
        fixture = FIXTURES.get(params.name)
        if fixture is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
        if fixture.task == "must" and not may_have_tasks(context):
            raise missing(extensions={TASKS: {}})
        call = self._seen(context, params, params.arguments)
        try:
            result = await fixture.run(call)
        except InputNeeded as needed:
            return needed.result
        return begin(self.world, result) if callable(result) else result

    async def _get_prompt(self, context: Context, params: types.GetPromptRequestParams) -> Any:
        try:
            return await documents.prompt(self._seen(context, params, params.arguments), params.name)
        except InputNeeded as needed:
            return needed.result

    async def _read_resource(self, context: Context, params: types.ReadResourceRequestParams) -> Any:
        try:
            return await documents.read(self._seen(context, params, None), str(params.uri))
        except InputNeeded as needed:
            return needed.result

    def _seen(
        self,
        context: Context,
        params: types.CallToolRequestParams | types.GetPromptRequestParams | types.ReadResourceRequestParams,
        arguments: dict[str, Any] | None,
    ) -> Call:
        responses = params.input_responses or {}
        return Call(context, self.world, arguments or {}, responses, params.request_state)

    async def _subscribe(self, context: Context, params: types.SubscribeRequestParams) -> types.EmptyResult:
        self.world.watched.setdefault(str(params.uri), []).append(context.session._connection)
        return types.EmptyResult()

    async def _unsubscribe(self, context: Context, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
        watching = self.world.watched.get(str(params.uri), [])
        self.world.watched[str(params.uri)] = [one for one in watching if one is not context.session._connection]
        return types.EmptyResult()

    async def _complete(self, _: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        known = documents.COMPLETIONS.get(params.argument.name, [])
        found = [word for word in known if word.startswith(params.argument.value)]
        return types.CompleteResult(completion=types.Completion(values=found, total=len(found), has_more=False))

    async def _set_level(self, _: Context, __: types.SetLevelRequestParams) -> types.EmptyResult:
        return types.EmptyResult()


class _Remembered:
    """Keeps the connections of the handshake eras, to tell them of changes."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)
        self._world.met(ctx.session._connection)
        return result
