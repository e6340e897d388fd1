"""Tools as plain HTTP."""

from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_gateway.access.errors import NotAllowed
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, error_message, object_at, render, result_message
from mcp_gateway.entrypoints.http.identity import CALLER, IDENTITY, Identity
from mcp_gateway.entrypoints.mcp.federated.plain_json import PlainJson
from mcp_gateway.federation.errors import UpstreamLost
from mcp_gateway.federation.model import Reply, Request
from mcp_gateway.federation.views import View

ANN = Caller(tenant="acme", subject="ann")
TOOLS: list[Json] = [
    {
        "name": "find",
        "title": "Find",
        "description": "Finds.",
        "inputSchema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "where": {"$ref": "#/$defs/Place"},
                "default": {"$ref": "#/$defs/Place"},
                "kind": {"enum": [{"$ref": "#/x"}]},
            },
            "required": ["where"],
            "$defs": {"Place": {"type": "string", "default": {"$ref": "#/y"}}},
        },
        "outputSchema": {"type": "object", "properties": {"found": {"type": "integer"}}},
    },
    {"name": "a/b c", "inputSchema": {"type": "object"}},
]


class Federated:
    """Answers every call with what it was given, in the way it was given."""

    def __init__(self, outcome: JsonObject | GatewayError | None = None, *, error: JsonObject | None = None) -> None:
        self.outcome, self.error = outcome, error
        self.sent: list[Request] = []
        self.closed = False

    def view(self, name: str, *, search: bool = False) -> View | None:
        return View(kind="server" if name else "all", name=name, search=search) if name in ("", "one") else None

    def opens(self, view: View, caller: Caller) -> bool:
        return not self.closed

    async def send(self, view: View, request: Request) -> Reply:
        self.sent.append(request)
        if request.method == "tools/list":
            start = 1 if request.params else 0
            page: JsonObject = {"tools": TOOLS[start : start + 1]}
            return Reply(body=render(result_message(1, page if start else {**page, "nextCursor": "x"})))
        if isinstance(self.outcome, GatewayError):
            raise self.outcome
        if self.error is not None:
            return Reply(status=400, body=render({"jsonrpc": "2.0", "id": 1, "error": self.error}))
        return Reply(body=render(result_message(1, self.outcome or {"resultType": "complete", "content": []})))


def known(app: ASGIApp) -> ASGIApp:
    async def step(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            named = HttpRequest(scope).headers.get("authorization") == "Bearer good"
            scope.setdefault("state", {}).update({IDENTITY: Identity(ANN if named else None), CALLER: ANN})
        await app(scope, receive, send)

    return step


@pytest.fixture
def client_of() -> Callable[[Federated], TestClient]:
    def make(federated: Federated) -> TestClient:
        app = Starlette(routes=PlainJson(federated, version="1").routes())
        return TestClient(known(app), headers={"authorization": "Bearer good"})

    return make


def test_arguments_go_in_and_structured_content_comes_out(client_of: Callable[[Federated], TestClient]) -> None:
    federated = Federated({"resultType": "complete", "content": [], "structuredContent": {"found": 2}})

    answer = client_of(federated).post("/mcp/find", json={"where": "here"}, headers={"traceparent": "00-a-b-01"})

    assert (answer.status_code, answer.json()) == (200, {"found": 2})
    (sent,) = federated.sent
    assert (sent.method, sent.params) == ("tools/call", {"name": "find", "arguments": {"where": "here"}})
    assert (sent.client.caller, sent.client.capabilities) == (ANN, {})
    assert sent.client.trace == ((b"traceparent", b"00-a-b-01"),)


def test_without_structured_content_the_blocks_come_out(client_of: Callable[[Federated], TestClient]) -> None:
    block: JsonObject = {"type": "text", "text": "hello"}

    answer = client_of(Federated({"resultType": "complete", "content": [block]})).post("/mcp/find")

    assert (answer.status_code, answer.json()) == (200, {"content": [block]})


def test_a_tool_of_one_server_is_called_there(client_of: Callable[[Federated], TestClient]) -> None:
    federated = Federated()

    assert client_of(federated).post("/servers/one/mcp/find", json={}).status_code == 200
    assert client_of(federated).post("/servers/two/mcp/find", json={}).status_code == 404


def test_a_server_one_may_use_nothing_of_looks_like_none(client_of: Callable[[Federated], TestClient]) -> None:
    federated = Federated()
    federated.closed = True
    client = client_of(federated)

    for hidden, none in (
        (client.post("/servers/one/mcp/find"), client.post("/servers/two/mcp/find")),
        (client.get("/servers/one/mcp/openapi.json"), client.get("/servers/two/mcp/openapi.json")),
    ):
        assert (hidden.status_code, hidden.json()["code"]) == (none.status_code, none.json()["code"]) == (404, "NOT_FOUND")
    assert not federated.sent


def test_a_name_may_hold_any_character(client_of: Callable[[Federated], TestClient]) -> None:
    federated = Federated()

    client_of(federated).post("/mcp/a%2Fb%20c%3F", json={})

    assert federated.sent[0].params["name"] == "a/b c?"


@pytest.mark.parametrize(
    ("outcome", "status", "code", "detail"),
    [
        (
            {"resultType": "complete", "isError": True, "content": [{"type": "text", "text": "No such place."}]},
            422,
            "TOOL_FAILED",
            "No such place.",
        ),
        (
            {"resultType": "complete", "isError": True, "content": [], "structuredContent": {"error": {"message": "Own."}}},
            422,
            "TOOL_FAILED",
            "Own.",
        ),
        ({"resultType": "input_required", "inputRequests": {"a": {"params": {"message": "Sure?"}}}}, 409, "INPUT_REQUIRED", ""),
        ({"resultType": "task", "taskId": "x"}, 422, "TOOL_FAILED", ""),
        (NotAllowed("no", action="call_tool"), 404, "UNKNOWN_NAME", "There is no tool find here."),
        (UpstreamLost(server="one"), 503, "UPSTREAM_LOST", ""),
    ],
)
def test_what_goes_wrong_is_problem_details(
    client_of: Callable[[Federated], TestClient], outcome: JsonObject | GatewayError, status: int, code: str, detail: str
) -> None:
    answer = client_of(Federated(outcome)).post("/mcp/find", json={"where": "here"})

    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert detail in answer.json()["detail"]


def test_an_error_of_the_server_is_told_in_its_words(client_of: Callable[[Federated], TestClient]) -> None:
    error: JsonObject = object_at(error_message(1, -32602, "Bad place", {"where": "?"}), "error")

    answer = client_of(Federated(error=error)).post("/mcp/find", json={})

    assert answer.status_code == 422
    assert (answer.json()["detail"], answer.json()["data"]["error"]) == ("Bad place", error)


def test_a_tool_its_server_does_not_know_is_as_one_nobody_has(client_of: Callable[[Federated], TestClient]) -> None:
    error = object_at(error_message(1, -32602, "Unknown tool: find", {"tool": "find"}), "error")

    answers = [
        client_of(federated).post("/mcp/find", json={}) for federated in (Federated(error=error), Federated(NotAllowed("no")))
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    first, other = (answer.json() for answer in answers)
    assert {key: first[key] for key in first if key != "instance"} == {key: other[key] for key in other if key != "instance"}


@pytest.mark.parametrize(
    ("body", "media_type"), [(b"[]", "application/json"), (b"{", "application/json"), (b"{}", "text/plain"), (b"1", "")]
)
def test_a_body_that_is_no_object_of_json_is_refused(
    client_of: Callable[[Federated], TestClient], body: bytes, media_type: str
) -> None:
    federated = Federated()

    answer = client_of(federated).post("/mcp/find", content=body, headers={"content-type": media_type})

    assert (answer.status_code, answer.json()["code"]) == (400, "ARGUMENTS_NOT_JSON")
    assert not federated.sent


def test_nobody_in_particular_calls_nothing(client_of: Callable[[Federated], TestClient]) -> None:
    federated = Federated()

    answer = client_of(federated).post("/mcp/find", json={}, headers={"authorization": "Bearer bad"})

    assert answer.status_code == 401
    assert not federated.sent


def test_the_tools_a_caller_sees_are_described(client_of: Callable[[Federated], TestClient]) -> None:
    document = client_of(Federated()).get("/mcp/openapi.json").json()

    assert document["openapi"] == "3.1.0"
    assert list(document["paths"]) == ["/mcp/find", "/mcp/a%2Fb%20c"]
    find = document["paths"]["/mcp/find"]["post"]
    assert (find["summary"], find["description"], find["requestBody"]["required"]) == ("Find", "Finds.", True)
    schema = document["components"]["schemas"]["find.input"]
    assert "$schema" not in schema
    assert schema["properties"]["kind"] == {"enum": [{"$ref": "#/x"}]}
    assert schema["$defs"]["Place"] == {"type": "string", "default": {"$ref": "#/y"}}
    for name in ("where", "default"):
        assert schema["properties"][name] == {"$ref": "#/components/schemas/find.input/$defs/Place"}


def test_every_reference_of_the_description_leads_somewhere(client_of: Callable[[Federated], TestClient]) -> None:
    document = client_of(Federated()).get("/servers/one/mcp/openapi.json").json()

    def resolve(reference: str) -> Json:
        place: Json = document
        for step in reference.removeprefix("#/").split("/"):
            assert isinstance(place, dict)
            place = place[step]
        return place

    operations = [path["post"] for path in document["paths"].values()]
    references = [
        content["schema"]["$ref"]
        for one in operations
        for described in (one["requestBody"], *one["responses"].values())
        for content in described["content"].values()
    ]
    assert all(isinstance(resolve(reference), dict) for reference in references)
    assert len({one["operationId"] for one in operations}) == len(operations)
