"""`diagnose_gateway_health` over a real Valkey and real pages on loopback."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.loopback_pages import Handler, closed_port, hang, json_page, serving, text_page
from tests.operations_tools import ADMIN, VIEWER, nothing_found, nothing_helps, tools_for
from tests.unit.diagnostics.causes.looks import healthy
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.deployment.readers import Addresses
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.actions.kinds import action
from mcp_gateway.diagnostics.diagnose_health import FindCauses, FindRemedies, HealthFound
from mcp_gateway.diagnostics.errors import TenantNotYours
from mcp_gateway.diagnostics.operations import HealthOrder
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Action, Hypothesis

pytestmark = pytest.mark.anyio

HEALTH = json_page({"status": "healthy", "parts": {"store": {"healthy": True}}})
FIGURES = """kit_request_seconds_bucket{operation="chat",status="200",le="0.1"} 90
kit_request_seconds_bucket{operation="chat",status="200",le="+Inf"} 100
kit_request_seconds_sum{operation="chat",status="200"} 9
kit_request_seconds_count{operation="chat",status="200"} 100
kit_limit_decisions_total{outcome="refused",decided_by="store",tenant="rival"} 7
kit_limit_refusals_total{rule="tenant",tenant="rival"} 7
"""
SECTIONS = ("backend_orchestrator_health", "cache_metrics", "ai_engine_connectivity")
SPECIFIED = {*SECTIONS, "timestamp", "rate_limiting", "overall_status", "diagnostics"}
GATEWAY: Mapping[str, Handler] = {"/health": HEALTH, "/metrics": text_page(FIGURES)}


async def look(
    addresses: Addresses,
    order: HealthOrder | None = None,
    caller: Caller = ADMIN,
    *,
    find_causes: FindCauses = nothing_found,
    find_remedies: FindRemedies = nothing_helps,
) -> HealthFound:
    tools = tools_for(addresses, find_causes=find_causes, find_remedies=find_remedies)
    return await tools.diagnose_health(caller, order or HealthOrder())


async def test_a_healthy_deployment_is_told_in_the_shape_of_the_specification(valkey: ValkeyProcess) -> None:
    async with serving(GATEWAY) as gateway, serving({"/health": HEALTH}) as engine:
        found = (await look(Addresses(gateway_url=gateway, engine_url=engine, redis_url=valkey.url))).to_dict()
    assert {
        "timestamp",
        "backend_orchestrator_health",
        "cache_metrics",
        "rate_limiting",
        "ai_engine_connectivity",
        "overall_status",
        "diagnostics",
    } <= found.keys()
    assert found["overall_status"] == "healthy"
    assert found["diagnostics"] == []
    assert found["next_action"] == "Nothing to do."
    gateway_health, cache, engine_health = (
        found[name] for name in ("backend_orchestrator_health", "cache_metrics", "ai_engine_connectivity")
    )
    assert isinstance(gateway_health, dict)
    assert isinstance(cache, dict)
    assert isinstance(engine_health, dict)
    assert (gateway_health["status"], gateway_health["parts"]) == ("healthy", {"store": "healthy"})
    assert (cache["status"], cache["total_keys"]) == ("healthy", 0)
    assert engine_health["status"] == "connected"
    # The engine of this test has no figures of its own, and that is said.
    assert [spot["what"].split(" at ")[0] for spot in found["blind_spots"]] == ["metrics of the engine"]  # type: ignore[index, union-attr, call-overload]  # JSON


async def test_an_engine_that_is_gone_degrades_and_is_named_with_its_evidence(valkey: ValkeyProcess) -> None:
    async with serving(GATEWAY) as gateway:
        engine = f"http://127.0.0.1:{closed_port()}"
        found = await look(Addresses(gateway_url=gateway, engine_url=engine, redis_url=valkey.url))
    assert found.overall == "degraded"
    (trouble,) = found.troubles
    assert trouble.component == "engine"
    assert "refuses the connection" in trouble.message
    assert {one.signal: one.value for one in trouble.evidence}["engine.probe_outcome"] == "refused"
    assert found.engine["status"] == "unreachable"
    assert "Check port and process" in found.next_action


async def test_a_gateway_that_hangs_is_unhealthy_and_the_answer_comes_all_the_same(valkey: ValkeyProcess) -> None:
    async with serving({"/health": hang, "/metrics": hang}) as gateway:
        found = await look(Addresses(gateway_url=gateway, redis_url=valkey.url))
    assert found.overall == "unhealthy"
    assert found.gateway["status"] == "not_answering"
    assert found.troubles[0].severity == "critical"


async def test_a_part_the_gateway_calls_unwell_is_told_once(valkey: ValkeyProcess) -> None:
    parts = {"store": {"healthy": False, "status": "unreachable"}, "database": {"healthy": False, "status": "locked"}}
    pages = {**GATEWAY, "/health": json_page({"status": "degraded", "parts": parts})}
    async with serving(pages) as gateway:
        found = await look(Addresses(gateway_url=gateway, redis_url=valkey.url))
        gone = await look(Addresses(gateway_url=gateway, redis_url=f"redis://127.0.0.1:{closed_port()}"))
    assert found.overall == "degraded"
    assert {one.message for one in found.troubles} == {
        "The gateway says of its part store: unreachable.",
        "The gateway says of its part database: locked.",
    }
    assert [one.component for one in gone.troubles] == ["redis", "database"]


async def test_nothing_configured_cannot_be_told() -> None:
    found = await look(Addresses())
    assert found.overall == "could_not_tell"
    assert found.story == "Nothing could be read, so nothing can be said."
    assert {spot.hint for spot in found.blind_spots} == {"Set BACKEND_ORCHESTRATOR_URL.", "Set AI_ENGINE_URL.", "Set REDIS_URL."}
    assert found.gateway["status"] == found.cache["status"] == found.engine["status"] == "not_configured"


async def test_a_healthy_page_alone_does_not_make_it_well(valkey: ValkeyProcess) -> None:
    refusing = {"/health": HEALTH, "/metrics": text_page("who asks?", status=401)}
    async with serving(refusing) as gateway:
        found = await look(Addresses(gateway_url=gateway, redis_url=valkey.url))
    assert found.overall == "could_not_tell"
    assert "token" in found.next_action.lower()


async def test_an_engine_that_hangs_is_what_is_to_be_seen_to_next() -> None:
    async with serving(GATEWAY) as gateway, serving({"/health": hang}) as engine:
        found = await look(Addresses(gateway_url=gateway, engine_url=engine))
    assert found.troubles[0].component == "engine"
    assert "/metrics" not in found.next_action


async def test_sections_nobody_asked_for_are_left_out(valkey: ValkeyProcess) -> None:
    order = HealthOrder(include_cache_metrics=False, include_rate_limiting=False)
    found = await look(Addresses(redis_url=valkey.url), order)
    assert found.cache == found.limits == {"status": "not_asked"}


async def test_a_cause_that_stands_is_the_story_and_its_remedy_the_next_action(valkey: ValkeyProcess) -> None:
    def causes(window: Window) -> tuple[Hypothesis, ...]:
        return (
            Hypothesis(
                cause="redis_memory_evicting",
                component="redis",
                title="Redis throws keys out for room",
                confidence=0.9,
                supports=window.evidences("redis.used_memory_bytes"),
                why="Keys are evicted while none expire.",
            ),
        )

    def remedies(_: Hypothesis, __: Window) -> tuple[Action, ...]:
        remedy = action("give_store_memory", verify="redis.evicted_keys_total stops", bytes="1048576")
        return (remedy,)

    found = await look(Addresses(redis_url=valkey.url), find_causes=causes, find_remedies=remedies)
    assert found.overall == "degraded"
    assert found.story.startswith("Redis throws keys out for room: Keys are evicted")
    assert found.next_action.startswith("Give the store room for 1 MiB more in its own configuration. ")
    assert found.next_action.endswith("Then watch redis.evicted_keys_total stops.")
    assert found.troubles[0].evidence[0].name == "redis.used_memory_bytes"
    assert found.to_dict()["actions"]


async def test_the_limits_of_one_tenant_are_for_that_tenant_and_for_those_who_may_see_all() -> None:
    async with serving(GATEWAY) as gateway:
        addresses = Addresses(gateway_url=gateway)
        with pytest.raises(TenantNotYours):
            await look(addresses, HealthOrder(tenant_id="rival"), VIEWER)
        own = await look(addresses, HealthOrder(tenant_id="acme"), VIEWER)
        everything = str((await look(addresses, caller=VIEWER)).to_dict())
    assert own.limits["tenant_id"] == "acme"
    assert "rival" not in everything


async def test_the_password_of_the_store_is_nowhere_in_the_answer() -> None:
    found = await look(Addresses(redis_url=f"redis://user:hunter2@127.0.0.1:{closed_port()}/3"))
    assert found.troubles[0].component == "redis"
    assert "hunter2" not in str(found.to_dict())
    assert "hunter2" not in repr(Addresses(redis_url="redis://user:hunter2@h"))


class Seen:
    """An observer of one window."""

    def __init__(self, window: Window) -> None:
        self._window = window

    async def observe(self, *, window_seconds: float, whole: bool = True) -> Window:
        return self._window


async def test_a_machine_short_of_processor_time_is_the_first_thing_told() -> None:
    looks = healthy().timed("gateway.request_ms", 80, 700, route="chat", status="200")
    looks.count("gateway.machine_waited_seconds_total", 3, 55, replica="one:1")
    tool = replace(tools_for(Addresses()).diagnose_health, observer=Seen(looks.window()))
    found = await tool(ADMIN, HealthOrder())
    assert found.overall == "degraded"
    machine, *others = found.troubles
    assert machine.component == "machine"
    assert machine.evidence[0].name == "gateway.machine_waited_seconds_total"
    assert found.story.startswith("The machine is short of processor time (92% of the time somebody there waits")
    assert [one.component for one in others] == ["gateway"]
