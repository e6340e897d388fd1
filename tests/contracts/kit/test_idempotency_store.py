"""What every store of answers to keyed requests must do, over memory and a real Valkey."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.idempotency import RedisIdempotencyStore
from mcp_gateway.kit.resilience.idempotency.memory import MemoryIdempotencyStore
from mcp_gateway.kit.resilience.idempotency.model import Begun, KeyedRequest, StoredAnswer
from mcp_gateway.kit.resilience.idempotency.ports import IdempotencyStore

pytestmark = pytest.mark.anyio

REQUEST = KeyedRequest(tenant="acme", operation="orders.create", key="k-1", fingerprint="body-1")
ANSWER = StoredAnswer(status=201, body=b'{"id":\n7}\x00\xff', headers=(("Location", "/orders/7"), ("X-Ümlaut", "ä")))
LEASE = 60.0

Passes = Callable[[float], Awaitable[None]]


@pytest.fixture(params=["memory", "valkey"])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[tuple[IdempotencyStore, Passes]]:
    if request.param == "memory":
        clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))

        async def moves(seconds: float) -> None:
            clock.advance(seconds)

        yield MemoryIdempotencyStore(clock), moves
        return
    valkey: ValkeyProcess = request.getfixturevalue("valkey")
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        yield RedisIdempotencyStore(connection), asyncio.sleep


async def test_of_many_at_once_one_starts_and_the_others_see_it_run(kept: tuple[IdempotencyStore, Passes]) -> None:
    store, _ = kept
    begun = await asyncio.gather(*(store.begin(REQUEST, f"token-{n}", LEASE) for n in range(30)))
    assert [one.state for one in begun] == ["started"] + ["running"] * 29
    assert 0 < begun[-1].lease_seconds <= LEASE


async def test_any_text_may_be_a_name_or_a_fingerprint(kept: tuple[IdempotencyStore, Passes]) -> None:
    store, _ = kept
    odd = KeyedRequest(tenant="\ud800", operation="a\nb", key="\0{*}:", fingerprint="\ud800")
    assert (await store.begin(odd, "a", LEASE)).state == "started"
    assert await store.finish(odd, "a", ANSWER, 60)
    assert await store.begin(odd, "b", LEASE) == Begun("done", ANSWER)


async def test_a_finished_answer_is_given_back_as_it_was(kept: tuple[IdempotencyStore, Passes]) -> None:
    store, _ = kept
    await store.begin(REQUEST, "a", LEASE)
    assert await store.finish(REQUEST, "a", ANSWER, 60)
    assert await store.begin(REQUEST, "b", LEASE) == Begun("done", ANSWER)


async def test_an_answer_is_kept_for_its_time_only(kept: tuple[IdempotencyStore, Passes]) -> None:
    store, passes = kept
    await store.begin(REQUEST, "a", LEASE)
    await store.finish(REQUEST, "a", ANSWER, 0.05)
    await passes(0.06)
    assert (await store.begin(REQUEST, "b", LEASE)).state == "started"


async def test_another_fingerprint_is_a_mismatch_running_or_done(kept: tuple[IdempotencyStore, Passes]) -> None:
    store, _ = kept
    other = KeyedRequest(tenant="acme", operation="orders.create", key="k-1", fingerprint="body-2")
    await store.begin(REQUEST, "a", LEASE)
    assert (await store.begin(other, "b", LEASE)).state == "mismatch"
    await store.finish(REQUEST, "a", ANSWER, 60)
    assert await store.begin(other, "b", LEASE) == Begun("mismatch")


async def test_a_lapsed_lease_goes_to_the_next_and_the_old_holder_keeps_nothing(kept: tuple[IdempotencyStore, Passes]) -> None:
    store, passes = kept
    await store.begin(REQUEST, "a", 0.05)
    await passes(0.06)
    assert (await store.begin(REQUEST, "b", LEASE)).state == "started"
    assert not await store.renew(REQUEST, "a", LEASE)
    assert not await store.finish(REQUEST, "a", ANSWER, 60)
    await store.abandon(REQUEST, "a")
    assert (await store.begin(REQUEST, "c", LEASE)).state == "running"


async def test_a_renewed_lease_lasts(kept: tuple[IdempotencyStore, Passes]) -> None:
    store, passes = kept
    await store.begin(REQUEST, "a", 0.5)
    assert await store.renew(REQUEST, "a", LEASE)
    await passes(0.55)
    assert (await store.begin(REQUEST, "b", LEASE)).state == "running"
    assert (await store.begin(REQUEST, "a", LEASE)).state == "started"


async def test_an_abandoned_key_may_be_tried_again_with_another_body(kept: tuple[IdempotencyStore, Passes]) -> None:
    store, _ = kept
    await store.begin(REQUEST, "a", LEASE)
    await store.abandon(REQUEST, "a")
    other = KeyedRequest(tenant="acme", operation="orders.create", key="k-1", fingerprint="body-2")
    assert (await store.begin(other, "b", LEASE)).state == "started"


async def test_an_answer_too_large_to_keep_is_remembered_as_given(kept: tuple[IdempotencyStore, Passes]) -> None:
    store, _ = kept
    await store.begin(REQUEST, "a", LEASE)
    assert await store.finish(REQUEST, "a", None, 60)
    assert (await store.begin(REQUEST, "b", LEASE)).state == "unkept"
    assert not await store.renew(REQUEST, "a", LEASE)


@pytest.mark.parametrize(
    "other",
    [
        KeyedRequest(tenant="acme}:orders", operation=".create", key="k-1", fingerprint="body-1"),
        KeyedRequest(tenant="acme:orders.create", operation="k-1", key="", fingerprint="body-1"),
        KeyedRequest(tenant="acme", operation="orders.create:k-1", key="", fingerprint="body-1"),
        KeyedRequest(tenant="acme", operation="orders", key="create:k-1", fingerprint="body-1"),
    ],
)
async def test_a_key_belongs_to_its_tenant_and_operation(kept: tuple[IdempotencyStore, Passes], other: KeyedRequest) -> None:
    store, _ = kept
    await store.begin(REQUEST, "a", LEASE)
    await store.finish(REQUEST, "a", ANSWER, 60)
    assert (await store.begin(other, "b", LEASE)).state == "started"
