"""`test_ai_engine_integration` against real servers on loopback and a real Valkey."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest
from aiohttp import web
from tests.loopback_pages import Handler, closed_port, hang, json_page, serving, text_page
from tests.operations_tools import ADMIN, VIEWER, tools_for
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.deployment.readers import Addresses
from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.errors import InvalidTenantName
from mcp_gateway.diagnostics.integration.trial import IntegrationFound
from mcp_gateway.diagnostics.operations import EngineOrder, TestType

pytestmark = pytest.mark.anyio

HEALTH = json_page({"status": "healthy"})


async def chat(request: web.Request) -> web.StreamResponse:
    """An engine of the usual kind."""
    try:
        told = await request.json()
    except ValueError:
        return web.json_response({"error": "no JSON"}, status=422)
    return web.json_response({"reply": f"You said {told['message']}", "tenant": request.headers.get("X-Tenant-ID")})


SOUND: Mapping[str, Handler] = {"/health": HEALTH, "/chat": chat}


async def test_everything_passes_in_the_shape_of_the_specification(valkey: ValkeyProcess) -> None:
    async with serving(SOUND) as engine, serving(SOUND) as gateway:
        addresses = Addresses(engine_url=engine, gateway_url=gateway, redis_url=valkey.url)
        found = await tools_for(addresses).try_engine(ADMIN, EngineOrder(tenant_id="demo_dentist"))
    shape = found.to_dict()
    assert (shape["test_type"], shape["overall_status"], shape["pass_rate"]) == ("full_flow", "all_pass", "6/6 (100.0%)")
    tests = {one.test: one.facts for one in found.tests}
    assert tests["ai_engine_performance"]["successful_requests"] == 5
    assert tests["cache_integration"]["data_integrity"] is True
    assert tests["full_integration_flow"]["response_contains_reply"] is True
    assert "response_time_ms" in tests["ai_engine_health"]
    with valkey.client() as client:
        assert client.dbsize() == 0


async def run(engine: Mapping[str, Handler], test_type: TestType, *, seconds: float = 20.0) -> IntegrationFound:
    """`seconds`: for one test."""
    async with serving(engine) as url:
        trial = replace(tools_for(Addresses(engine_url=url)).try_engine, test_seconds=seconds)
        return await trial(ADMIN, EngineOrder(test_type=test_type))


def reasons(found: IntegrationFound) -> dict[str, str]:
    return {one.test: one.reason for one in found.tests if one.status == "fail"}


async def test_a_health_page_that_is_green_does_not_hide_an_engine_that_hangs() -> None:
    found = await run({"/health": HEALTH, "/chat": hang}, "performance", seconds=0.5)
    assert [(one.test, one.status) for one in found.tests] == [("ai_engine_health", "pass"), ("ai_engine_performance", "fail")]
    assert found.overall == "some_failed"
    assert found.to_dict()["pass_rate"] == "1/2 (50.0%)"


async def test_one_failing_answer_of_five_is_a_failure_with_its_reason() -> None:
    count = iter(range(100))

    async def flaky(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": "overloaded"}, status=503) if next(count) == 2 else await chat(request)

    found = await run({"/health": HEALTH, "/chat": flaky}, "performance")
    assert reasons(found) == {"ai_engine_performance": "1 of 5 requests failed: status 503."}


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (json_page({"error": "boom"}, status=500), "a body that is no JSON is answered with status 500"),
        (json_page({"reply": "fine"}), "a body that is no JSON is answered with status 200 and no reply in it"),
        (text_page('Traceback (most recent call last):\n  File "/app/x.py"', status=400), "an error shows a stack trace"),
    ],
)
async def test_errors_that_are_handled_badly_are_named(page: Handler, reason: str) -> None:
    found = await run({"/health": HEALTH, "/chat": page}, "error_handling")
    assert reason.removesuffix(" and no reply in it") in reasons(found)["error_handling"]


async def test_a_reply_that_holds_nothing_is_no_reply() -> None:
    found = await run({"/health": HEALTH, "/chat": json_page({"reply": "", "success": True})}, "performance")
    assert "status 200 and no reply in it" in reasons(found)["ai_engine_performance"]


async def test_being_kept_out_or_finding_no_path_is_skipped_and_said() -> None:
    refusal = json_page({"error": {"code": "TENANT_MISMATCH"}}, status=403)
    kept_out = await run({"/health": HEALTH, "/chat": refusal}, "performance")
    assert [(one.test, one.status) for one in kept_out.tests][1] == ("ai_engine_performance", "skip")
    assert "(status 403, TENANT_MISMATCH); set AI_ENGINE_TOKEN" in kept_out.blind_spots[0].why
    elsewhere = await run({"/health": HEALTH}, "performance")
    assert "None of the usual paths" in elsewhere.blind_spots[0].why
    assert (elsewhere.overall, elsewhere.to_dict()["pass_rate"], elsewhere.to_dict()["skipped"]) == (
        "incomplete",
        "1/1 (100.0%)",
        1,
    )


async def test_without_addresses_nothing_can_be_told() -> None:
    found = await tools_for(Addresses()).try_engine(ADMIN, EngineOrder())
    assert found.overall == "could_not_tell"
    assert found.to_dict()["pass_rate"] == "0/0"
    assert len(found.blind_spots) == 6


async def test_an_engine_that_is_gone_fails_everything_that_was_tried() -> None:
    addresses = Addresses(engine_url=f"http://127.0.0.1:{closed_port()}")
    found = await tools_for(addresses).try_engine(ADMIN, EngineOrder(include_cache_test=False))
    assert found.overall == "all_failed"
    assert "nobody listens there" in reasons(found)["ai_engine_health"]
    assert "cache_integration" not in {one.test for one in found.tests}


async def test_a_store_that_is_gone_fails_the_round_trip() -> None:
    addresses = Addresses(redis_url=f"redis://127.0.0.1:{closed_port()}")
    found = await tools_for(addresses).try_engine(ADMIN, EngineOrder(test_type="cache"))
    assert found.overall == "all_failed"


async def test_it_speaks_in_the_tenants_name_and_keeps_the_token_to_its_own_address() -> None:
    heard: dict[str, Json] = {}

    def noting(name: str) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            heard[name] = [request.headers.get("X-Tenant-ID"), request.headers.get("Authorization")]
            return await chat(request)

        return answer

    async with (
        serving({"/health": HEALTH, "/chat": noting("engine")}) as engine,
        serving({"/health": HEALTH, "/api/chat": noting("gateway")}) as gateway,
    ):
        addresses = Addresses(engine_url=engine, gateway_url=gateway, gateway_token="for-the-gateway")
        found = await tools_for(addresses).try_engine(VIEWER, EngineOrder(tenant_id="acme", include_cache_test=False))
    assert found.overall == "all_pass"
    assert heard == {"engine": ["acme", None], "gateway": ["acme", "Bearer for-the-gateway"]}


async def test_a_tenant_that_is_none_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(InvalidTenantName):
        await tools_for(Addresses()).try_engine(ADMIN, EngineOrder(tenant_id="*"))


async def test_an_engine_that_never_answers_is_given_up_in_time() -> None:
    async with asyncio.timeout(30):
        found = await run({"/health": hang, "/chat": hang}, "connectivity", seconds=0.5)
    assert reasons(found)["ai_engine_health"] == "It took longer than 0.5 s."


async def test_a_gateway_that_reads_itself_is_asked_the_way_clients_ask() -> None:
    async with serving(SOUND) as engine, serving({"/health": HEALTH, "/api/chat": chat}) as gateway:
        addresses = Addresses(engine_url=engine, own_gateway_url=gateway)
        found = await tools_for(addresses).try_engine(ADMIN, EngineOrder(include_cache_test=False))
    assert found.overall == "all_pass"
    assert {"gateway_health", "full_integration_flow"} <= {one.test for one in found.tried}
