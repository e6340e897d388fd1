"""The guarded route as a client sees it: limits, headers, problem details, figures, description."""

import contextlib
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
import structlog
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.routing import APIRoute
from tests.unit.kit.fastapi.guarded_app import application, client_of

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import NotFound, TimedOut
from mcp_gateway.kit.errors import CircuitOpen, InvalidPolicy
from mcp_gateway.kit.fastapi import Call, Guard, GuardedRoute
from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.limits.rules import ConcurrencyRule

pytestmark = pytest.mark.anyio

ROUTES = pytest.mark.parametrize("route_class", [GuardedRoute, APIRoute])


@ROUTES
async def test_the_handler_is_given_the_call_and_its_parameters(route_class: type[APIRoute]) -> None:
    async with client_of(application(route_class=route_class)) as client:
        read = await client.get("/v1/items/a?size=3")
        written = await client.post("/v1/items", json={"name": "b"})
    assert read.json() == {"item": "a", "tenant": "acme", "operation": "items.read", "size": "3"}
    assert written.json() == {"name": "b", "tenant": "acme"}


@ROUTES
async def test_a_tenant_over_its_limit_is_told_when_to_come_back_and_others_go_on(route_class: type[APIRoute]) -> None:
    async with client_of(application(route_class=route_class)) as client:
        for _ in range(2):
            assert (await client.get("/v1/items/a")).status_code == 200
        refused = await client.get("/v1/items/a")
        other = await client.get("/v1/items/a", headers={"x-test-tenant": "umbrella"})
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert int(refused.headers["retry-after"]) > 0
    problem = refused.json()
    assert problem["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert problem["violated-policies"] == ["tenant"]
    assert (problem["status"], problem["code"], problem["instance"]) == (429, "RATE_LIMITED", "/v1/items/a")
    assert other.status_code == 200


@ROUTES
async def test_every_guarded_answer_says_what_remains(route_class: type[APIRoute]) -> None:
    async with client_of(application(route_class=route_class)) as client:
        answers = [await client.get("/v1/items/a") for _ in range(3)]
    assert [answer.headers["ratelimit-policy"] for answer in answers] == ['"tenant";q=2;w=60'] * 3
    assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=1", "r=0", "r=0"]


@ROUTES
async def test_the_limit_is_back_after_its_window(route_class: type[APIRoute]) -> None:
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    async with client_of(application(route_class=route_class, clock=clock)) as client:
        for _ in range(3):
            last = await client.get("/v1/items/a")
        assert last.status_code == 429
        clock.advance(int(last.headers["retry-after"]))
        assert (await client.get("/v1/items/a")).status_code == 200


async def test_a_guard_is_asked_before_the_body_is_looked_at() -> None:
    async with client_of(application()) as client:
        for _ in range(2):
            await client.post("/v1/items", json={"name": "a"})
        refused = await client.post("/v1/items", json={"wrong": 1})
    assert refused.status_code == 429


@ROUTES
async def test_who_the_provider_refuses_gets_its_problem(route_class: type[APIRoute]) -> None:
    async with client_of(application(route_class=route_class)) as client:
        refused = await client.get("/v1/items/a", headers={"x-test-tenant": "nobody"})
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert "ratelimit" not in refused.headers


def add_failing(router: APIRouter) -> None:
    @router.get("/fails/{how}")
    async def fail(how: str, call: Annotated[Call, Depends(Guard("fails"))]) -> None:
        errors: dict[str, Exception] = {
            "missing": NotFound("There is no such item."),
            "open": CircuitOpen(retry_after_seconds=2.5),
            "slow": TimedOut(),
            "framework": HTTPException(418, "I am a teapot", headers={"X-Pot": "tea"}),
            "fault": RuntimeError("the password is hunter2"),
        }
        raise errors[how]


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("missing", 404, "NOT_FOUND"),
        ("open", 503, "CIRCUIT_OPEN"),
        ("slow", 504, "TIMED_OUT"),
        ("framework", 418, "INVALID_INPUT"),
        ("fault", 500, "INTERNAL_ERROR"),
    ],
)
async def test_every_failure_is_a_problem(how: str, status: int, code: str) -> None:
    with structlog.testing.capture_logs() as lines:
        async with client_of(application(add=add_failing)) as client:
            answer = await client.get(f"/v1/fails/{how}")
    assert [line["code"] for line in lines if line["event"] == "request_refused"] == [code]
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert {"type", "title", "detail", "instance"} <= problem.keys()
    assert "hunter2" not in answer.text


async def test_a_part_that_sheds_says_when_to_come_back() -> None:
    async with client_of(application(add=add_failing)) as client:
        answer = await client.get("/v1/fails/open")
    assert answer.headers["retry-after"] == "3"
    assert answer.json()["type"] == "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"


async def test_a_field_that_does_not_fit_is_named() -> None:
    async with client_of(application()) as client:
        answer = await client.get("/v1/items/a?size=many")
    assert answer.status_code == 422
    assert answer.json()["data"]["fields"][0]["field"] == "size"


async def test_a_name_that_is_no_valid_text_still_gets_its_problem() -> None:
    def add(router: APIRouter) -> None:
        @router.get("/odd")
        async def odd() -> None:
            raise NotFound("There is no \ud800.", name="\ud800")

    async with client_of(application(add=add)) as client:
        answer = await client.get("/v1/odd")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_an_address_that_is_not_there_is_a_problem_too() -> None:
    async with client_of(application()) as client:
        answer = await client.get("/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_a_line_break_behind_an_address_is_another_address() -> None:
    async with client_of(application()) as client:
        assert (await client.get("/v1/items/a%0A")).status_code == 404


async def test_requests_are_measured_by_operation_and_status() -> None:
    figures = RecordedFigures()
    async with client_of(application(figures=figures)) as client:
        for path in ("/v1/items/a", "/v1/items/b", "/v1/items/c", "/nothing"):
            await client.get(path)
    assert len(figures.values("request_seconds", operation="items.read", status="200")) == 2
    assert len(figures.values("request_seconds", operation="items.read", status="429")) == 1
    assert len(figures.values("request_seconds", operation="unguarded", status="404")) == 1


async def test_requests_under_way_are_counted_while_they_are() -> None:
    figures, seen = RecordedFigures(), []

    def add(router: APIRouter) -> None:
        @router.get("/look")
        async def look() -> None:
            seen.append(figures.total("requests_in_flight"))

        @router.get("/break")
        async def break_off() -> None:
            raise RuntimeError("a fault")

    async with client_of(application(figures=figures, add=add)) as client:
        await client.get("/v1/look")
        with contextlib.suppress(RuntimeError):
            await client.get("/v1/break")
        await client.get("/v1/look")
    assert seen == [1, 1]
    assert figures.total("requests_in_flight") == 0


async def test_a_request_turned_away_for_its_deadline_counts_for_its_operation() -> None:
    def add(router: APIRouter) -> None:
        @router.get("/patience")
        async def patience(call: Annotated[Call, Depends(Guard("patience", deadline_seconds=60))]) -> None:
            pass

    figures = RecordedFigures()
    async with client_of(application(figures=figures, add=add)) as client:
        await client.get("/v1/patience", headers={"x-deadline-ms": "soon"})
    assert len(figures.values("request_seconds", operation="patience", status="400")) == 1


async def test_a_place_is_held_until_the_response_has_ended() -> None:
    rules = (ConcurrencyRule(name="at-once", limit=1),)

    def add(router: APIRouter) -> None:
        @router.get("/slow")
        async def slow(request: Request, call: Annotated[Call, Depends(Guard("slow", at_once=True))]) -> dict[str, int]:
            if "inner" in request.query_params:
                return {"inner": 200}
            async with client_of(request.app) as client:
                return {"inner": (await client.get("/v1/slow?inner=1")).status_code}

    async with client_of(application(rules=rules, add=add)) as client:
        first = await client.get("/v1/slow")
        second = await client.get("/v1/slow?inner=1")
    assert first.json() == {"inner": 429}
    assert second.json() == {"inner": 200}


@ROUTES
async def test_the_description_shows_limits_headers_and_errors(route_class: type[APIRoute]) -> None:
    async with client_of(application(route_class=route_class)) as client:
        description: dict[str, Any] = (await client.get("/openapi.json")).json()
    operation = description["paths"]["/v1/items/{item}"]["get"]
    assert operation["x-rate-limits"] == [{"name": "tenant", "limit": 2, "window_seconds": 60, "scope": "tenant"}]
    assert {"RateLimit", "RateLimit-Policy"} <= operation["responses"]["200"]["headers"].keys()
    assert "Retry-After" in operation["responses"]["429"]["headers"]
    assert operation["responses"]["503"]["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
    assert operation["responses"]["422"]["content"].keys() == {"application/problem+json"}
    assert "violated-policies" in description["components"]["schemas"]["Problem"]["properties"]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["item", "size"]


async def test_a_guarded_route_without_the_middleware_lets_nothing_through() -> None:
    app = FastAPI()

    @app.get("/items")
    async def items(call: Annotated[Call, Depends(Guard("items"))]) -> None: ...

    async with client_of(app) as client:
        assert (await client.get("/items")).status_code == 500


def test_a_handler_with_two_guards_is_refused() -> None:
    router = APIRouter(route_class=GuardedRoute)

    async def handler(a: Annotated[Call, Depends(Guard("a"))], b: Annotated[Call, Depends(Guard("b"))]) -> None: ...

    with pytest.raises(InvalidPolicy, match="two guards"):
        router.add_api_route("/", handler)
