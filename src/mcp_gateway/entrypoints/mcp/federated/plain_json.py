"""Any tool as plain HTTP: `POST /mcp/TOOL` with its arguments as JSON, for callers that speak no MCP.

What the tool gives comes back as it is; what goes wrong is problem details (RFC 9457), as in the API. Progress and log messages
on the way are left out, and a tool that has a question for its caller cannot be used here.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Collection
from typing import Final, Protocol
from urllib.parse import unquote

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from mcp_gateway.access.errors import NotAllowed
from mcp_gateway.core.errors import GatewayError, InvalidInput, Json, NotFound, Unprocessable
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object, render
from mcp_gateway.core.protocol.words import INVALID_PARAMS
from mcp_gateway.entrypoints.http.credentials import bearer_of
from mcp_gateway.entrypoints.http.identity import admitted
from mcp_gateway.entrypoints.mcp.federated.endpoint import WhileWanted
from mcp_gateway.entrypoints.mcp.federated.heads import Head
from mcp_gateway.entrypoints.mcp.federated.openapi import describe_tools
from mcp_gateway.entrypoints.mcp.federated.walls import Wall
from mcp_gateway.entrypoints.mcp.guard import MAX_OPEN_REQUESTS, TooManyOpenRequests, refuse
from mcp_gateway.federation.catalog.reading import UpstreamSaid, result_of
from mcp_gateway.federation.errors import UnknownName
from mcp_gateway.federation.model import Client, Reply, Request
from mcp_gateway.federation.views import View

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
# Of a list of tools that is described; a document of more is of use to nobody.
MAX_PAGES: Final = 10
MAX_NAME: Final = 1_000
MAX_TOLD: Final = 2_000
_JSON: Final = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)


class Asked(GatewayError):
    """The tool has a question for whoever calls it, and this way of calling has no room for an answer."""

    code = "INPUT_REQUIRED"
    category = "conflict"
    hint = "Give what it asks for in the arguments, if it takes it, or call it with an MCP client."


class ToolFailed(Unprocessable):
    """The tool failed."""

    code = "TOOL_FAILED"
    hint = "What it said is in the data."


class ServerRefused(Unprocessable):
    """The tool's server answered with an error."""

    code = "SERVER_REFUSED"
    hint = "Its own words are in the data."


class NotPlain(InvalidInput):
    """The body has to be a JSON object: the tool's arguments."""

    code = "ARGUMENTS_NOT_JSON"
    hint = 'Send an object such as {"name": "value"} with Content-Type: application/json.'


class Sending(Protocol):
    """The federation, as one who sends requests in the words of 2026-07-28 needs it."""

    def view(self, name: str, *, search: bool = False) -> View | None: ...

    def opens(self, view: View, caller: Caller) -> bool: ...

    def send(self, view: View, request: Request) -> Awaitable[Reply]: ...


class PlainJson:
    """For the one endpoint, and for each server and virtual server below `/servers`.

    `elsewhere` are names below `/servers` where somebody else speaks MCP; those that are no server of the federation are told of.
    """

    def __init__(self, federation: Sending, *, version: str, elsewhere: Collection[str] = ()) -> None:
        self._federation, self._version, self._elsewhere = federation, version, frozenset(elsewhere)
        self._open: Counter[tuple[str, str, str]] = Counter()

    def routes(self) -> list[BaseRoute]:
        """To be put behind the step that finds out who calls, and after the endpoints themselves."""
        return [
            Route("/mcp/openapi.json", _Door(self._describe), methods=["GET"]),
            Route("/servers/{server}/mcp/openapi.json", _Door(self._describe), methods=["GET"]),
            Route("/mcp/{tool:path}", _Door(self._call), methods=["POST"]),
            Route("/servers/{server}/mcp/{tool:path}", _Door(self._call), methods=["POST"]),
        ]

    def routes_elsewhere(self) -> list[BaseRoute]:
        """The same of the servers that answer MCP themselves; to be put before those."""
        return [
            one
            for server in sorted(self._elsewhere)
            for one in (
                Route(f"/servers/{server}/mcp/openapi.json", _Door(self._describe, server), methods=["GET"]),
                # Not the endpoint with a slash behind it, which leads to the one without.
                Route(f"/servers/{server}/mcp/{{tool}}", _Door(self._call, server), methods=["POST"]),
            )
        ]

    async def _call(self, http: HttpRequest, caller: Caller) -> Response:
        view = self._view(http, caller)
        name = _tool_name(http)
        request = _request(http, caller, "tools/call", {"name": name, "arguments": await _arguments(http)})
        result = await self._result(http, view, request, name)
        return Response(render(_given(result)), media_type="application/json")

    async def _describe(self, http: HttpRequest, caller: Caller) -> Response:
        view = self._view(http, caller)
        tools: list[JsonObject] = []
        params: JsonObject = {}
        for _ in range(MAX_PAGES):
            result = await self._result(http, view, _request(http, caller, "tools/list", params), "")
            listed = result.get("tools")
            tools += [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
            cursor = result.get("nextCursor")
            if cursor is None:
                break
            params = {"cursor": cursor}
        base = f"/servers/{view.name}/mcp" if view.name else "/mcp"
        return Response(render(describe_tools(tools, base=base, version=self._version)), media_type="application/json")

    async def _result(self, http: HttpRequest, view: View, request: Request, name: str) -> JsonObject:
        caller = request.client.caller
        owner = (caller.tenant, caller.issuer, caller.subject)
        if self._open[owner] >= MAX_OPEN_REQUESTS:
            raise TooManyOpenRequests
        self._open[owner] += 1
        try:
            reply = await self._federation.send(view, request)
            return (await result_of(reply, "", MAX_ANSWER_BYTES))[0]
        except (NotAllowed, UnknownName) as error:
            raise _unknown(name) from error
        except UpstreamSaid as said:
            raise (_unknown(name) if _says_unknown(said.error) else _refused(said.error)) from said
        finally:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]

    def _view(self, http: HttpRequest, caller: Caller) -> View:
        name = http.path_params.get("server", "")
        view = self._federation.view(name)
        if view is None and name in self._elsewhere:
            hint = "Connect an MCP client to it, or `POST /mcp/TOOL`: the gateway's own tools ask the same data."
            raise NotFound(f"The tools of {name} cannot be called like this.", hint=hint, server=name)
        if view is None or not self._federation.opens(view, caller):
            raise NotFound(f"There is no server {name[:100]}.", server=name[:100])
        return view


class _Door:
    """One kind of request: who calls, until they leave, and an answer in any case."""

    def __init__(self, work: "Work", server: str = "") -> None:
        """`server` is the one whose name is written into the route."""
        self._work, self._server = work, server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._server:
            scope["path_params"] = {**scope["path_params"], "server": self._server}
        http = HttpRequest(scope, receive)
        try:
            with Wall("request_fault", path=scope["path"][:200]):
                caller = admitted(scope)
                await http.body()
                with WhileWanted(receive):
                    response = await self._work(http, caller)
                    await response(scope, receive, send)
        except GatewayError as error:
            await refuse(scope, receive, send, error)


class Work(Protocol):
    """Answers a request of a caller. Raises `GatewayError`."""

    async def __call__(self, http: HttpRequest, caller: Caller, /) -> Response: ...


def _tool_name(http: HttpRequest) -> str:
    """As it was sent: a name may hold a slash, written %2F."""
    name = str(http.path_params["tool"])
    raw = http.scope.get("raw_path")
    if isinstance(raw, bytes) and raw:
        path = raw.partition(b"?")[0].decode("latin-1")
        name = unquote(path.partition("/mcp/")[2])
    if not name or len(name) > MAX_NAME:
        raise _unknown(name)
    return name


async def _arguments(http: HttpRequest) -> JsonObject:
    body = await http.body()
    if not body.strip():
        return {}
    if _JSON.fullmatch(http.headers.get("content-type", "")) is None:
        raise NotPlain
    try:
        return parse_object(body)
    except ValueError as error:
        raise NotPlain from error


def _request(http: HttpRequest, caller: Caller, method: str, params: JsonObject) -> Request:
    head = Head(http.scope)
    client = Client(caller=caller, trace=tuple(head.trace), token=bearer_of(http.scope))
    return Request(id=1, method=method, params=params, client=client)


def _given(result: JsonObject) -> Json:
    """Structured content by itself; otherwise the blocks of content. Raises `Asked` and `ToolFailed`."""
    kind = result.get("resultType", "complete")
    if kind == "input_required":
        asked = object_at(result, "inputRequests")
        requests: list[Json] = [object_at(one).get("params") for one in list(asked.values())[:10]]
        raise Asked(requests=requests)
    if kind != "complete":
        raise ToolFailed("The tool's answer is of a kind that cannot be given here.", kind=kind)
    if result.get("isError") is True:
        raise _failure(result)
    structured = result.get("structuredContent")
    return {"content": result.get("content", [])} if structured is None else structured


def _failure(result: JsonObject) -> ToolFailed:
    content = result.get("content")
    texts = [object_at(one).get("text") for one in content] if isinstance(content, list) else []
    message = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    structured = result.get("structuredContent")
    own = object_at(structured, "error").get("message")
    said = (own if isinstance(own, str) else message)[:MAX_TOLD] or None
    return ToolFailed(said) if structured is None else ToolFailed(said, structured_content=structured)


def _unknown(name: str) -> UnknownName:
    return UnknownName(f"There is no tool {name[:200]} here.", name=name[:200])


def _says_unknown(error: JsonObject) -> bool:
    """In the words of MCP. Servers of ours use them for a tool one has no right to, which is to look as one that is not there."""
    return error.get("code") == INVALID_PARAMS and str(error.get("message", "")).startswith("Unknown tool: ")


def _refused(error: JsonObject) -> ServerRefused:
    told: JsonObject = {key: error[key] for key in ("code", "message", "data") if key in error}
    return ServerRefused(str(error.get("message", ""))[:MAX_TOLD] or None, error=told)
