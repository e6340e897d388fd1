"""Every way between replicas carries a question there and its answer back, once, or says what became of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters import peers_redis
from mcp_gateway.adapters.peers_memory import MemoryExchange, MemoryPeers
from mcp_gateway.adapters.peers_redis import PREFIX, RedisPeers
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.federation.errors import StaleRequestState
from mcp_gateway.federation.peers import (
    MAX_PAYLOAD_BYTES,
    PeerFailed,
    PeerPayloadTooLarge,
    PeerRefused,
    Peers,
    PeersAway,
    PeerSilent,
    PeerUnknown,
)
from mcp_gateway.kit.redis.connection import RedisConnection

pytestmark = pytest.mark.anyio
KEY = b"k" * 32


@asynccontextmanager
async def redis_peers(valkey: ValkeyProcess, key: bytes = KEY) -> AsyncIterator[RedisPeers]:
    async with await RedisConnection.open(valkey.url, timeout_seconds=20.0) as connection:
        peers = await RedisPeers.open(connection, key=key, clock=SystemClock())
        yield peers
        await peers.close()


@pytest.fixture(params=["memory", "redis"])
async def replicas(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Peers, Peers]]:
    if request.param == "memory":
        exchange = MemoryExchange()
        yield MemoryPeers(exchange), MemoryPeers(exchange)
        return
    valkey = request.getfixturevalue("valkey")
    async with redis_peers(valkey) as one, redis_peers(valkey) as other:
        yield one, other


@pytest.fixture
async def lasting_valkey() -> AsyncIterator[ValkeyProcess]:
    with ValkeyProcess() as process:
        yield process


async def backwards(payload: bytes) -> bytes:
    return payload[::-1]


async def for_ever(payload: bytes) -> bytes:
    await asyncio.Event().wait()
    return payload


@pytest.mark.parametrize("payload", [b"", b"abc", bytes(range(256)) * 4_096])
async def test_a_question_is_answered_by_the_replica_it_is_for(replicas: tuple[Peers, Peers], payload: bytes) -> None:
    here, there = replicas
    here.answer("turn", for_ever)
    there.answer("turn", backwards)
    assert await here.ask(there.replica, "turn", payload, timeout_seconds=10) == payload[::-1]


async def test_a_replica_may_ask_itself(replicas: tuple[Peers, Peers]) -> None:
    here, _ = replicas
    here.answer("turn", backwards)
    assert await here.ask(here.replica, "turn", b"ab", timeout_seconds=10) == b"ba"


async def test_many_questions_at_once_each_get_their_own_answer(replicas: tuple[Peers, Peers]) -> None:
    here, there = replicas
    there.answer("turn", backwards)
    asked = [here.ask(there.replica, "turn", b"%03d" % number, timeout_seconds=10) for number in range(100)]
    assert await asyncio.gather(*asked) == [(b"%03d" % number)[::-1] for number in range(100)]


@pytest.mark.parametrize("replica", ["0123456789ab", "", "*", "a:b", "x" * 1_000])
async def test_a_replica_that_is_not_there_is_told_at_once(replicas: tuple[Peers, Peers], replica: str) -> None:
    with pytest.raises(PeerUnknown):
        await replicas[0].ask(replica, "turn", b"", timeout_seconds=10)


async def test_a_refusal_comes_back_as_the_error_it_was(replicas: tuple[Peers, Peers]) -> None:
    async def refusing(payload: bytes) -> bytes:
        raise StaleRequestState(server="shop")

    here, there = replicas
    there.answer("turn", refusing)
    with pytest.raises(PeerRefused) as refused:
        await here.ask(there.replica, "turn", b"", timeout_seconds=10)
    assert refused.value.error == StaleRequestState(server="shop").to_dict()


async def test_a_handler_that_fails_or_is_not_there_says_nothing_of_itself(replicas: tuple[Peers, Peers]) -> None:
    async def failing(payload: bytes) -> bytes:
        raise RuntimeError("a secret")

    here, there = replicas
    there.answer("turn", failing)
    for kind in ("turn", "unheard of"):
        with pytest.raises(PeerFailed) as failed:
            await here.ask(there.replica, kind, b"", timeout_seconds=10)
        assert "secret" not in str(failed.value.to_dict())


async def test_no_answer_in_time_is_told(replicas: tuple[Peers, Peers]) -> None:
    here, there = replicas
    there.answer("turn", for_ever)
    with pytest.raises(PeerSilent):
        await here.ask(there.replica, "turn", b"", timeout_seconds=0.05)


async def test_nothing_beyond_the_bound_is_carried(replicas: tuple[Peers, Peers]) -> None:
    async def long(payload: bytes) -> bytes:
        return bytes(MAX_PAYLOAD_BYTES + 1)

    here, there = replicas
    there.answer("turn", long)
    with pytest.raises(PeerPayloadTooLarge):
        await here.ask(there.replica, "turn", bytes(MAX_PAYLOAD_BYTES + 1), timeout_seconds=10)
    with pytest.raises(PeerRefused) as refused:
        await here.ask(there.replica, "turn", b"", timeout_seconds=10)
    assert refused.value.error["code"] == PeerPayloadTooLarge.code


async def test_whoever_writes_into_the_store_answers_for_nobody(valkey: ValkeyProcess) -> None:
    taken: list[bytes] = []

    async def taking(payload: bytes) -> bytes:
        taken.append(payload)
        return b""

    async with redis_peers(valkey) as here, redis_peers(valkey, key=b"x" * 32) as stranger, redis_peers(valkey) as other:
        here.answer("take", taking)
        with pytest.raises(PeerSilent):
            await stranger.ask(here.replica, "take", b"forged", timeout_seconds=0.1)
        with valkey.client() as client:
            for message in (b"", b"\0" * 12, b"\0" * 100):
                client.publish(PREFIX + here.replica, message)
        await other.ask(here.replica, "take", b"true", timeout_seconds=10)
    assert taken == [b"true"]


async def test_a_message_said_again_or_to_another_replica_counts_nothing(valkey: ValkeyProcess) -> None:
    taken: list[bytes] = []

    async def taking(payload: bytes) -> bytes:
        taken.append(payload)
        return b""

    async with redis_peers(valkey) as here, redis_peers(valkey) as other, redis_peers(valkey) as third:
        here.answer("take", taking)
        third.answer("take", taking)
        with valkey.client() as client, client.pubsub(ignore_subscribe_messages=True) as overheard:
            overheard.subscribe(PREFIX + here.replica)
            overheard.get_message(timeout=5.0)
            await other.ask(here.replica, "take", b"payload", timeout_seconds=10)
            message = overheard.get_message(timeout=5.0)
            assert message is not None
            assert b"payload" not in message["data"]
            client.publish(PREFIX + here.replica, message["data"])
            client.publish(PREFIX + third.replica, message["data"])
        await other.ask(here.replica, "take", b"last", timeout_seconds=10)
        await other.ask(third.replica, "take", b"last", timeout_seconds=10)
    assert taken == [b"payload", b"last", b"last"]


async def test_a_replica_that_has_too_much_to_answer_says_so_at_once(
    valkey: ValkeyProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers_redis, "MAX_ANSWERING", 1)
    reached = asyncio.Event()

    async def reaching(payload: bytes) -> bytes:
        reached.set()
        return await for_ever(payload)

    async with redis_peers(valkey) as here, redis_peers(valkey) as there:
        there.answer("wait", reaching)
        waiting = asyncio.ensure_future(here.ask(there.replica, "wait", b"", timeout_seconds=600))
        await reached.wait()
        with pytest.raises(PeerRefused) as refused:
            await here.ask(there.replica, "wait", b"", timeout_seconds=600)
        assert refused.value.error["code"] == PeersAway.code
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_nobody_hangs_when_the_store_dies_and_all_goes_on_when_it_is_back(lasting_valkey: ValkeyProcess) -> None:
    reached = asyncio.Event()

    async def reaching(payload: bytes) -> bytes:
        reached.set()
        return await for_ever(payload)

    async with redis_peers(lasting_valkey) as here, redis_peers(lasting_valkey) as there:
        there.answer("wait", reaching)
        there.answer("turn", backwards)
        waiting = asyncio.ensure_future(here.ask(there.replica, "wait", b"", timeout_seconds=600))
        await reached.wait()
        lasting_valkey.kill()
        with pytest.raises(PeerSilent):
            await waiting
        with pytest.raises(PeersAway):
            await here.ask(there.replica, "turn", b"", timeout_seconds=600)
        lasting_valkey.start()
        async with asyncio.timeout(10):
            while True:
                try:
                    assert await here.ask(there.replica, "turn", b"ab", timeout_seconds=5) == b"ba"
                    break
                except (PeersAway, PeerUnknown):  # until both are connected again
                    await asyncio.sleep(0.01)
