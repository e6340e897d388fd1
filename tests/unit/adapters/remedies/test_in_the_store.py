"""Remedies in a real store touch what they name, and nothing else."""

from collections.abc import Iterator

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.remedies.expire_keys import ExpireKeys
from mcp_gateway.adapters.remedies.store_state import LoadScripts, ReleaseBreaker
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.diagnostics.actions.kinds import action
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.redis.breaker import RedisBreakerStore
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import load_script

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyProcess]:
    with ValkeyProcess() as process:
        yield process


async def test_only_counters_without_a_time_get_one(valkey: ValkeyProcess) -> None:
    remedy = action("expire_keys", verify="", prefix="rate_limit:", seconds="60")
    use = ExpireKeys(url=valkey.url)
    with valkey.client() as client:
        for index in range(450):
            client.set(f"rate_limit:{{a}}:chat:tenant:w6:{index}", 1)
        client.set("rate_limit:{b}:chat:tenant:w6", 1, ex=5)
        client.set("session:1", 1)
        client.hset("rate_limit:rules", "revision", 1)
        assert (await use.radius(remedy)).keys == 450
        await use.carry_out(remedy)
        assert 0 < client.pttl("rate_limit:{a}:chat:tenant:w6:449") <= 60_000
        assert client.pttl("rate_limit:{b}:chat:tenant:w6") <= 5_000
        assert client.pttl("session:1") == client.pttl("rate_limit:rules") == -1
        assert (await use.radius(remedy)).keys == 0


@pytest.mark.parametrize(
    ("prefix", "seconds"), [("", "60"), ("*", "60"), ("session:", "60"), ("rate_limit:", "0"), ("cache:", "x")]
)
async def test_other_keys_and_times_are_refused(valkey: ValkeyProcess, prefix: str, seconds: str) -> None:
    with pytest.raises(InvalidInput):
        await ExpireKeys(url=valkey.url).carry_out(action("expire_keys", verify="", prefix=prefix, seconds=seconds))


async def test_a_circuit_is_given_back_and_can_be_held_again(valkey: ValkeyProcess) -> None:
    remedy, use = action("release_breaker", verify="", breaker="orders"), ReleaseBreaker(url=valkey.url)
    async with await RedisConnection.open(valkey.url, timeout_seconds=2) as connection:
        store = RedisBreakerStore(connection)
        await CircuitBreaker("orders", store=store).force("forced_open", "by hand")
        undo = await use.carry_out(remedy)
        assert (await _mode(store)) == "automatic"
        assert undo is not None
        await undo()
        assert (await _mode(store)) == "forced_open"


async def _mode(store: RedisBreakerStore) -> str:
    async with CircuitBreaker("orders", store=store) as seen:
        return seen.snapshot().mode


async def test_the_store_knows_the_scripts_again(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        client.script_flush()
        await LoadScripts(url=valkey.url).carry_out(action("load_scripts", verify=""))
        assert client.script_exists(load_script("limits.lua").sha) == [True]
