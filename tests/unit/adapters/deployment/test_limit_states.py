"""What limiters keep of a tenant, on a real Valkey: the kit's own keys, and those of others."""

import pytest
from tests.loopback_pages import closed_port
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.deployment.limit_states import MAX_KEYS, RedisLimitStates
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.diagnostics.limit_figures import by_operation, read_limits
from mcp_gateway.diagnostics.ports import LimitState
from mcp_gateway.diagnostics.verdict import BlindSpot
from mcp_gateway.kit import EnterpriseRateLimiter, Rule
from mcp_gateway.kit.limits.rules import Algorithm
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisLimitStore

pytestmark = pytest.mark.anyio


async def states_of(valkey: ValkeyProcess, tenant: str) -> dict[str, LimitState]:
    return {one.operation: one for one in await RedisLimitStates(url=valkey.url).of(tenant)}


@pytest.mark.parametrize(("algorithm", "counted"), [("window", 7), ("exact", 7), ("gcra", None)])
async def test_what_the_kit_counts_is_read_as_it_counted_it(
    valkey: ValkeyProcess, algorithm: Algorithm, counted: int | None
) -> None:
    rule = Rule(name="tenant", limit=500, window_seconds=60, algorithm=algorithm)
    async with await RedisConnection.open(valkey.url) as connection:
        store = RedisLimitStore(connection, timeout_seconds=5)
        limiter = EnterpriseRateLimiter([rule], clock=SystemClock(), store=store)
        for _ in range(7):
            await limiter.check_or_raise("clinic@home", "chat")
        await limiter.check_or_raise("somebody", "chat")

    found = await states_of(valkey, "clinic@home")

    assert [(one.operation, one.count) for one in found.values()] == [("chat", counted)]
    assert found["chat"].ttl_seconds is not None
    assert 0 < found["chat"].ttl_seconds <= 67


async def test_counters_of_other_limiters_are_read_and_what_is_none_is_not_guessed(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        client.set("rate_limit:demo_dentist:chat", 150, ex=45)
        client.set("rate_limit:demo_dentist:list_conversations", 89)
        client.set("rate_limit:demo_dentist:odd", "x" * 5_000_000, ex=45)
        client.rpush("rate_limit:demo_dentist:listed", "one")
        client.set("rate_limit:demo_dentist_2:chat", 3, ex=45)
        client.set("rate_limit:rules", "{}")

    found = await RedisLimitStates(url=valkey.url).of("demo_dentist")

    assert by_operation(found) == {
        "chat": {"current_count": 150, "ttl_seconds": 45},
        "list_conversations": {"current_count": 89, "ttl_seconds": None},
        "listed": {"current_count": None, "ttl_seconds": None},
        "odd": {"current_count": None, "ttl_seconds": 45},
    }


async def test_a_tenant_of_many_operations_is_shown_with_some(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        for index in range(50):
            client.set(f"rate_limit:demo:operation{index:02}", index, ex=45)

    found = await states_of(valkey, "demo")

    assert len(found) == MAX_KEYS
    assert found["operation03"].count == 3


async def test_a_store_that_is_gone_is_a_blind_spot_and_nobodys_limits_are_nobodys() -> None:
    gone = RedisLimitStates(url=f"redis://127.0.0.1:{closed_port()}")
    assert isinstance(await read_limits(gone, "demo"), BlindSpot)
    assert await read_limits(gone, None) == ()
    assert await read_limits(None, "demo") == ()
