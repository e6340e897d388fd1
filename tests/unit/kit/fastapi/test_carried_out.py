"""Keys, deadlines and health on the guarded route."""

import asyncio
from typing import Annotated

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, Response
from fastapi.routing import APIRoute
from tests.unit.kit.fastapi.guarded_app import application, client_of

from mcp_gateway.core.errors import NotFound
from mcp_gateway.kit.errors import StoreUnavailable
from mcp_gateway.kit.fastapi import Call, Guard, health_router
from mcp_gateway.kit.fastapi.health import Ping

pytestmark = pytest.mark.anyio


class Orders:
    """Handlers with a key and with a deadline; counts how often it was carried out."""

    def __init__(self) -> None:
        self.made = 0
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()

    def add(self, router: APIRouter) -> None:
        @router.post("/orders", status_code=201)
        async def order(
            name: Annotated[str, Body(embed=True)],
            call: Annotated[Call, Depends(Guard("orders.create", idempotency="required"))],
            response: Response,
        ) -> dict[str, int]:
            self.begun.set()
            await self.go_on.wait()
            if name == "impossible":
                raise NotFound
            self.made += 1
            response.headers["location"] = f"/orders/{self.made}"
            return {"number": self.made}

        @router.get("/patience")
        async def patience(call: Annotated[Call, Depends(Guard("patience", deadline_seconds=60))]) -> None:
            await asyncio.Event().wait()


KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
APPLE = {"name": "apple"}


async def test_a_repetition_gets_the_first_answer_and_does_nothing() -> None:
    orders = Orders()
    async with client_of(application(rules=(), add=orders.add)) as client:
        first = await client.post("/v1/orders", json=APPLE, headers=KEY)
        again = await client.post("/v1/orders", json=APPLE, headers=KEY)
    assert orders.made == 1
    assert (again.status_code, again.json(), again.headers["location"]) == (201, {"number": 1}, "/orders/1")
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


@pytest.mark.parametrize("other", ["x-test-subject", "x-test-tenant"])
async def test_the_same_key_of_another_caller_is_another_request(other: str) -> None:
    orders = Orders()
    async with client_of(application(rules=(), add=orders.add)) as client:
        await client.post("/v1/orders", json=APPLE, headers=KEY)
        theirs = await client.post("/v1/orders", json=APPLE, headers={**KEY, other: "another"})
    assert theirs.json() == {"number": 2}


async def test_two_keys_in_one_request_are_refused() -> None:
    orders = Orders()
    async with client_of(application(rules=(), add=orders.add)) as client:
        both = await client.post("/v1/orders", json=APPLE, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    assert (both.status_code, both.json()["code"], orders.made) == (400, "INVALID_IDEMPOTENCY_KEY", 0)


async def test_a_key_used_for_another_body_is_refused() -> None:
    orders = Orders()
    async with client_of(application(rules=(), add=orders.add)) as client:
        await client.post("/v1/orders", json=APPLE, headers=KEY)
        other = await client.post("/v1/orders", json={"name": "pear"}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_MISMATCH")


async def test_a_repetition_while_the_first_still_runs_is_a_conflict() -> None:
    orders = Orders()
    orders.go_on.clear()
    async with client_of(application(rules=(), add=orders.add)) as client:
        first = asyncio.create_task(client.post("/v1/orders", json=APPLE, headers=KEY))
        await orders.begun.wait()
        conflict = await client.post("/v1/orders", json=APPLE, headers=KEY)
        orders.go_on.set()
        assert (await first).status_code == 201
    assert (conflict.status_code, conflict.json()["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert "retry-after" in conflict.headers


async def test_a_missing_key_and_a_failed_handler_are_told_and_keep_nothing() -> None:
    orders = Orders()
    async with client_of(application(rules=(), add=orders.add)) as client:
        missing = await client.post("/v1/orders", json=APPLE)
        failed = await client.post("/v1/orders", json={"name": "impossible"}, headers=KEY)
        after = await client.post("/v1/orders", json=APPLE, headers=KEY)
    assert (missing.status_code, missing.json()["code"]) == (400, "INVALID_IDEMPOTENCY_KEY")
    assert failed.status_code == 404
    assert after.status_code == 201


async def test_a_callers_deadline_ends_the_handler() -> None:
    async with client_of(application(rules=(), add=Orders().add)) as client:
        late = await client.get("/v1/patience", headers={"X-Deadline-Ms": "1"})
        wrong = await client.get("/v1/patience", headers={"X-Deadline-Ms": "soon"})
    assert (late.status_code, late.json()["code"]) == (504, "DEADLINE_EXCEEDED")
    assert wrong.status_code == 400


async def test_the_description_shows_keys_and_deadlines() -> None:
    async with client_of(application(add=Orders().add)) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    order = paths["/v1/orders"]["post"]
    assert {"409", "422", "429", "503"} <= order["responses"].keys()
    assert [(one["name"], one["required"]) for one in order["parameters"]] == [("Idempotency-Key", True)]
    assert "504" in paths["/v1/patience"]["get"]["responses"]


async def test_what_an_ordinary_route_cannot_keep_is_refused_there() -> None:
    orders = Orders()
    async with client_of(application(route_class=APIRoute, rules=(), add=orders.add)) as client:
        refused = await client.post("/v1/orders", json=APPLE, headers=KEY)
    assert (refused.status_code, refused.json()["code"]) == (500, "KIT_NOT_INSTALLED")
    assert orders.made == 0


async def answering() -> float:
    return 0.001


async def away() -> float:
    raise StoreUnavailable


async def hanging() -> float:
    await asyncio.Event().wait()
    return 0.0


@pytest.mark.parametrize(
    ("parts", "status", "word"),
    [
        ({"store": answering}, 200, "healthy"),
        ({"store": answering, "cache": away}, 200, "degraded"),
        ({"store": hanging, "cache": answering}, 503, "unhealthy"),
    ],
)
async def test_health_says_which_part_does_not_answer(parts: dict[str, Ping], status: int, word: str) -> None:
    app = FastAPI()
    app.include_router(health_router(parts, needed=frozenset({"store"}), timeout_seconds=0.01))
    async with client_of(app) as client:
        answer = await client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (status, word)
    assert answer.json()["parts"].keys() == parts.keys()
