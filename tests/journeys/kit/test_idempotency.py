"""A keyed request over real processes and a real Valkey: its holder is killed, or stopped in its tracks; the store goes away."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.journeys.kit.keyed_worker import REQUEST
from tests.valkey_process import ValkeyProcess

from mcp_gateway.kit.errors import IdempotencyConflict, StoreUnavailable
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.idempotency import RedisIdempotencyStore
from mcp_gateway.kit.resilience.idempotency.model import KeyedRequest, StoredAnswer
from mcp_gateway.kit.resilience.idempotency.once import Idempotency, IdempotencyPolicy

pytestmark = pytest.mark.anyio

WORKER = Path(__file__).with_name("keyed_worker.py")
LEASE_SECONDS = 1.0


@contextmanager
def holder(valkey: ValkeyProcess) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the key's lease and renews it."""
    command = [sys.executable, str(WORKER), valkey.url, str(LEASE_SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            while process.stdout.readline() != "begun\n":
                assert process.poll() is None
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


@pytest.fixture
async def once(valkey: ValkeyProcess) -> AsyncIterator[Idempotency]:
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        once = Idempotency(RedisIdempotencyStore(connection), IdempotencyPolicy(lease_seconds=LEASE_SECONDS, wait_seconds=8))
        yield once
        await once.close()


async def work() -> StoredAnswer:
    return StoredAnswer(status=201, body=b"done")


async def test_a_living_holder_keeps_its_lease_and_a_killed_one_is_replaced(valkey: ValkeyProcess, once: Idempotency) -> None:
    with holder(valkey) as process:
        patient = asyncio.ensure_future(once.run(REQUEST, work))
        await asyncio.sleep(2 * LEASE_SECONDS)
        assert not patient.done()
        process.kill()
        async with asyncio.timeout(8):
            assert (await patient).answer.body == b"done"
    assert (await once.run(REQUEST, work)).replayed


async def test_a_stopped_holder_is_replaced_too(valkey: ValkeyProcess, once: Idempotency) -> None:
    with holder(valkey) as process:
        process.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(8):
            assert not (await once.run(REQUEST, work)).replayed


async def test_of_many_duplicates_over_several_connections_one_works(valkey: ValkeyProcess) -> None:
    done = 0

    async def counted() -> StoredAnswer:
        nonlocal done
        await asyncio.sleep(0.05)
        done += 1
        return StoredAnswer(status=200, body=b"%d" % done)

    connections = [await RedisConnection.open(valkey.url, timeout_seconds=5.0) for _ in range(4)]
    replicas = [Idempotency(RedisIdempotencyStore(connection)) for connection in connections]
    outcomes = await asyncio.gather(*(replica.run(REQUEST, counted) for replica in replicas for _ in range(10)))
    for connection in connections:
        await connection.close()
    assert done == 1
    assert {outcome.answer.body for outcome in outcomes} == {b"1"}
    assert sum(not outcome.replayed for outcome in outcomes) == 1


async def test_while_the_store_hangs_nothing_is_done_and_nobody_waits_long() -> None:
    with ValkeyProcess() as valkey:
        async with await RedisConnection.open(valkey.url) as connection:
            once = Idempotency(RedisIdempotencyStore(connection), IdempotencyPolicy(duplicates="refuse"))
            with valkey.paused():
                for number in range(5):
                    request = KeyedRequest(tenant="acme", operation="orders.create", key=f"k-{number}", fingerprint="body")
                    with pytest.raises(StoreUnavailable):
                        async with asyncio.timeout(20):
                            await once.run(request, work)
            async with asyncio.timeout(20):
                while connection.state != "live":  # noqa: ASYNC110  (the connection tells its parts, not its users)
                    await asyncio.sleep(0.01)
            request = KeyedRequest(tenant="acme", operation="orders.create", key="k-9", fingerprint="body")
            assert not (await once.run(request, work)).replayed
            with pytest.raises(IdempotencyConflict):
                await asyncio.gather(*(once.run(REQUEST, _slow) for _ in range(2)))
            await once.close()


async def _slow() -> StoredAnswer:
    await asyncio.sleep(0.2)
    return await work()
