"""Remedies in a real store touch what they name, and nothing else."""

import threading
from collections.abc import Iterator

import pytest
import redis
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.remedies.cached_value import CachedValueGone, DropCachedValue
from mcp_gateway.adapters.remedies.command_permission import DenyCommand
from mcp_gateway.adapters.remedies.expire_keys import ExpireKeys
from mcp_gateway.adapters.remedies.store_state import EndScript, LoadScripts, ReleaseBreaker
from mcp_gateway.adapters.remedies.stored_rules import RollBackRules
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.diagnostics.actions.applying import unheard
from mcp_gateway.diagnostics.actions.kinds import action
from mcp_gateway.diagnostics.actions.operating import Operator, Undo
from mcp_gateway.diagnostics.errors import NotNeeded
from mcp_gateway.diagnostics.verdict import Action
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.errors import RulesChanged, StoreRefused
from mcp_gateway.kit.limits.documents import to_text
from mcp_gateway.kit.limits.rules import Rule, RuleSet
from mcp_gateway.kit.redis.breaker import RedisBreakerStore
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisRuleStore, load_script

pytestmark = pytest.mark.anyio


async def do(operator: Operator, remedy: Action) -> Undo | None:
    """The change; how to take it back."""
    change = await operator.prepare(remedy)
    await change.do(unheard)
    return change.undo


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
        await do(use, remedy)
        assert 0 < client.pttl("rate_limit:{a}:chat:tenant:w6:449") <= 60_000
        assert client.pttl("rate_limit:{b}:chat:tenant:w6") <= 5_000
        assert client.pttl("session:1") == client.pttl("rate_limit:rules") == -1
        assert (await use.radius(remedy)).keys == 0


@pytest.mark.parametrize(
    ("prefix", "seconds"), [("", "60"), ("*", "60"), ("session:", "60"), ("rate_limit:", "0"), ("cache:", "x")]
)
async def test_other_keys_and_times_are_refused(valkey: ValkeyProcess, prefix: str, seconds: str) -> None:
    with pytest.raises(InvalidInput):
        await ExpireKeys(url=valkey.url).prepare(action("expire_keys", verify="", prefix=prefix, seconds=seconds))


async def test_a_circuit_is_given_back_and_can_be_held_again(valkey: ValkeyProcess) -> None:
    remedy, use = action("release_breaker", verify="", breaker="orders"), ReleaseBreaker(url=valkey.url)
    async with await RedisConnection.open(valkey.url, timeout_seconds=20.0) as connection:
        store = RedisBreakerStore(connection)
        await CircuitBreaker("orders", store=store).force("forced_open", "by hand")
        undo = await do(use, remedy)
        assert (await _mode(store)) == "automatic"
        assert undo is not None
        await undo()
        assert (await _mode(store)) == "forced_open"


async def _mode(store: RedisBreakerStore) -> str:
    async with CircuitBreaker("orders", store=store) as seen:
        return seen.snapshot().mode


async def test_a_circuit_that_somebody_else_gave_back_is_left_alone(valkey: ValkeyProcess) -> None:
    remedy, use = action("release_breaker", verify="", breaker="stocks"), ReleaseBreaker(url=valkey.url)
    async with await RedisConnection.open(valkey.url, timeout_seconds=20.0) as connection:
        circuit = CircuitBreaker("stocks", store=RedisBreakerStore(connection))
        with pytest.raises(NotNeeded, match="not held open in this store: it is automatic"):
            await use.radius(remedy)
        await circuit.force("forced_open", "by hand")
        undo = (await use.prepare(remedy)).undo
        await circuit.force("metrics_only", "by somebody else")
        assert undo is not None
        await undo()
        with pytest.raises(NotNeeded, match="it is metrics only"):
            await use.prepare(remedy)


async def test_the_store_knows_the_scripts_again(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        client.script_flush()
        await do(LoadScripts(url=valkey.url), action("load_scripts", verify=""))
        assert client.script_exists(load_script("limits.lua").sha) == [True]


def rules(**limits: int) -> str:
    return to_text(RuleSet(rules=tuple(Rule(name=name, limit=limit, window_seconds=60) for name, limit in limits.items())))


async def test_stored_rules_go_back_to_those_before_and_forth_again(valkey: ValkeyProcess) -> None:
    remedy, use = action("roll_back_rules", verify="", rule="chat"), RollBackRules(url=valkey.url)
    async with await RedisConnection.open(valkey.url, timeout_seconds=20.0) as connection:
        await connection.call("DEL", "rate_limit:rules")
        store = RedisRuleStore(connection, timeout_seconds=20.0)
        with pytest.raises(InvalidInput, match="does not know"):
            await use.radius(remedy)
        good = rules(chat=100, orders=50)
        first = await store.save(good, expected_revision=0)
        assert (await use.radius(remedy)).changes == (
            "rule chat: 100 in 60 s -> as configured",
            "rule orders: 50 in 60 s -> as configured",
        )
        await store.save(rules(chat=2, orders=50), expected_revision=first)
        assert (await use.radius(remedy)).changes == ("rule chat: 2 in 60 s -> 100 in 60 s",)
        undo = await do(use, remedy)
        assert (await store.load()).text == good
        assert undo is not None
        await undo()
        assert (await store.load()).text == rules(chat=2, orders=50)


async def test_rules_that_somebody_changed_meanwhile_are_not_undone(valkey: ValkeyProcess) -> None:
    remedy, use = action("roll_back_rules", verify="", rule="chat"), RollBackRules(url=valkey.url)
    async with await RedisConnection.open(valkey.url, timeout_seconds=20.0) as connection:
        await connection.call("DEL", "rate_limit:rules")
        store = RedisRuleStore(connection, timeout_seconds=20.0)
        revision = await store.save(rules(chat=2), expected_revision=0)
        with pytest.raises(InvalidInput, match="did not touch"):
            await do(use, action("roll_back_rules", verify="", rule="another"))
        assert (await store.load()).revision == revision
        undo = await do(use, remedy)
        await store.save(rules(chat=70), expected_revision=(await store.load()).revision)
        assert undo is not None
        with pytest.raises(RulesChanged):
            await undo()
        assert (await store.load()).text == rules(chat=70)


async def test_a_rollback_that_did_not_come_to_pass_has_nothing_to_take_back(valkey: ValkeyProcess) -> None:
    remedy, use = action("roll_back_rules", verify="", rule="chat"), RollBackRules(url=valkey.url)
    async with await RedisConnection.open(valkey.url, timeout_seconds=20.0) as connection:
        await connection.call("DEL", "rate_limit:rules")
        store = RedisRuleStore(connection, timeout_seconds=20.0)
        revision = await store.save(rules(chat=2), expected_revision=0)
        change = await use.prepare(remedy)
        assert change.undo is not None
        await change.undo()
        assert (await store.load()).revision == revision
        await store.save(rules(chat=70), expected_revision=revision)
        with pytest.raises(RulesChanged):
            await change.do(unheard)
        await change.undo()
        assert (await store.load()).text == rules(chat=70)


async def test_a_cached_value_is_taken_out_and_can_be_put_back(valkey: ValkeyProcess) -> None:
    use = DropCachedValue(url=valkey.url)
    with valkey.client() as client:
        for key in ("cache:profiles:shared", "cache:{space}:0:v:profiles:t:k"):
            remedy = action("drop_cached_value", verify="", key=key)
            client.hset(key, mapping={str(field): "x" * 100 for field in range(1_000)})
            client.pexpire(key, 60_000)
            assert "bytes -> loaded anew" in (await use.radius(remedy)).changes[0]
            undo = await do(use, remedy)
            assert undo is not None
            assert not client.exists(key)
            await undo()
            assert client.hlen(key) == 1_000
            assert 0 < client.pttl(key) <= 60_000


async def test_what_is_put_back_is_what_was_taken_out_and_lives_no_longer_than_it_had_to(valkey: ValkeyProcess) -> None:
    use, remedy = DropCachedValue(url=valkey.url), action("drop_cached_value", verify="", key="cache:big")
    with valkey.client() as client:
        client.set("cache:big", "old", px=60_000)
        change = await use.prepare(remedy)
        client.set("cache:big", "new", px=90_000)
        ends = client.pexpiretime("cache:big")
        await change.do(unheard)
        assert change.undo is not None
        await change.undo()
        assert (client.get("cache:big"), client.pexpiretime("cache:big")) == (b"new", ends)
        client.delete("cache:big")


async def test_a_value_that_went_by_itself_is_not_put_back(valkey: ValkeyProcess) -> None:
    use, remedy = DropCachedValue(url=valkey.url), action("drop_cached_value", verify="", key="cache:big")
    with valkey.client() as client:
        client.set("cache:big", "old")
        change = await use.prepare(remedy)
        client.delete("cache:big")
        assert (await change.do(unheard)).said == "The value was gone already."
        assert change.undo is not None
        await change.undo()
        assert not client.exists("cache:big")


async def test_a_value_that_was_loaded_anew_stays(valkey: ValkeyProcess) -> None:
    use, remedy = DropCachedValue(url=valkey.url), action("drop_cached_value", verify="", key="cache:big")
    with valkey.client() as client:
        client.set("cache:big", "old")
        undo = await do(use, remedy)
        assert undo is not None
        client.set("cache:big", "new")
        await undo()
        assert client.get("cache:big") == b"new"
        client.delete("cache:big")
        with pytest.raises(CachedValueGone):
            await do(use, remedy)


@pytest.mark.parametrize("key", ["session:1", "cache:{space}:members", "cache:{space}:0:t:profiles:t:tag", "rate_limit:rules"])
async def test_only_cached_values_are_taken_out(valkey: ValkeyProcess, key: str) -> None:
    with pytest.raises(InvalidInput):
        await DropCachedValue(url=valkey.url).prepare(action("drop_cached_value", verify="", key=key))


async def test_who_sends_a_command_over_all_keys_may_not_any_more_until_it_is_undone(valkey: ValkeyProcess) -> None:
    use, remedy = DenyCommand(url=valkey.url), action("deny_command", verify="", command="keys")
    with valkey.client() as admin:
        admin.execute_command("ACL", "SETUSER", "reports", "on", "nopass", "~*", "&*", "+@all")
        with pytest.raises(InvalidInput, match="No connection"):
            await use.radius(remedy)
        with redis.Redis(port=valkey.port, username="reports", password="any", client_name="nightly") as reports:
            reports.keys("nobody:*")
            changes = (await use.radius(remedy)).changes
            assert changes[0] == "user reports: may send KEYS -> is refused it, on all its connections"
            assert changes[1].startswith("sends it now: nightly at ")
            undo = await do(use, remedy)
            with pytest.raises(redis.exceptions.NoPermissionError):
                reports.keys("nobody:*")
            assert list(reports.scan_iter("nobody:*")) == []
            assert undo is not None
            await undo()
            reports.keys("nobody:*")
    with pytest.raises(InvalidInput):
        await do(use, action("deny_command", verify="", command="get"))


async def test_who_was_never_allowed_a_command_is_not_given_it_by_going_back(valkey: ValkeyProcess) -> None:
    use, remedy = DenyCommand(url=valkey.url), action("deny_command", verify="", command="keys")
    with valkey.client() as admin:
        admin.execute_command("ACL", "SETUSER", "guest", "on", "nopass", "~*", "&*", "+@all", "-keys")
        with redis.Redis(port=valkey.port, username="guest", password="any") as guest:
            with pytest.raises(redis.exceptions.NoPermissionError):
                guest.keys("nobody:*")
            with pytest.raises((NotNeeded, InvalidInput)):
                await use.prepare(remedy)
            with pytest.raises(redis.exceptions.NoPermissionError):
                guest.keys("nobody:*")


async def test_a_script_that_never_ends_is_ended(valkey: ValkeyProcess) -> None:
    use, remedy = EndScript(url=valkey.url), action("end_script", verify="")
    with pytest.raises(StoreRefused, match="NOTBUSY"):
        await do(use, remedy)
    with valkey.client() as client:
        client.config_set("busy-reply-threshold", 10)
    ended: list[str] = []

    def run() -> None:
        with valkey.client() as client:
            try:
                client.eval("while true do end", 0)
            except redis.exceptions.ResponseError as error:
                ended.append(str(error))

    running = threading.Thread(target=run)
    running.start()
    with valkey.client() as client:
        while True:
            try:
                client.ping()
            except redis.exceptions.BusyLoadingError:
                continue
            except redis.exceptions.ResponseError:
                break
    await do(use, remedy)
    running.join(10)
    assert "killed by user" in ended[0]
