"""Requests with an `Idempotency-Key`: carried out once, whatever their callers do meanwhile."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit.errors import IdempotencyConflict, IdempotencyMismatch, InvalidIdempotencyKey, StoreUnavailable
from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.resilience.idempotency.memory import MemoryIdempotencyStore
from mcp_gateway.kit.resilience.idempotency.model import Begun, KeyedRequest, StoredAnswer, fingerprint, read_key
from mcp_gateway.kit.resilience.idempotency.once import Idempotency, IdempotencyPolicy

pytestmark = pytest.mark.anyio


def request(key: str = "k-1", body: bytes = b"one") -> KeyedRequest:
    return KeyedRequest(tenant="acme", operation="orders.create", key=key, fingerprint=fingerprint("POST", "/orders", body))


class Work:
    """Makes an order when let; counts how often."""

    def __init__(self, *, waits: bool = False) -> None:
        self.done = 0
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.error: Exception | None = None
        self.status = 201
        self.body = b"order"
        if not waits:
            self.gate.set()

    async def __call__(self) -> StoredAnswer:
        self.begun.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.done += 1
        return StoredAnswer(status=self.status, body=self.body + b" %d" % self.done)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture
def store(clock: FixedClock) -> MemoryIdempotencyStore:
    return MemoryIdempotencyStore(clock)


async def turns(number: int = 10) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def guarded(store: MemoryIdempotencyStore, clock: FixedClock, policy: IdempotencyPolicy | None = None) -> Idempotency:
    async def sleep(seconds: float) -> None:
        clock.advance(seconds)
        await asyncio.sleep(0)

    return Idempotency(store, policy or IdempotencyPolicy(), clock=clock, sleep=sleep)


async def test_a_repetition_gets_the_first_answer(store: MemoryIdempotencyStore, clock: FixedClock) -> None:
    once, work = guarded(store, clock), Work()
    first, again = await once.run(request(), work), await once.run(request(), work)
    assert (first.replayed, again.replayed, again.answer, work.done) == (False, True, first.answer, 1)
    assert (await once.run(request("k-2"), work)).answer.body == b"order 2"


async def test_duplicates_at_the_same_time_wait_for_the_one_answer(store: MemoryIdempotencyStore, clock: FixedClock) -> None:
    once, work = guarded(store, clock), Work(waits=True)
    calls = [asyncio.ensure_future(once.run(request(), work)) for _ in range(5)]
    await turns()
    work.gate.set()
    outcomes = await asyncio.gather(*calls)
    assert {outcome.answer.body for outcome in outcomes} == {b"order 1"}
    assert [outcome.replayed for outcome in outcomes].count(False) == 1


async def test_duplicates_are_refused_when_told_to_or_when_it_takes_too_long(
    store: MemoryIdempotencyStore, clock: FixedClock
) -> None:
    work = Work(waits=True)
    first = asyncio.ensure_future(guarded(store, clock).run(request(), work))
    await work.begun.wait()
    for policy in (IdempotencyPolicy(duplicates="refuse"), IdempotencyPolicy(wait_seconds=2)):
        before = clock.monotonic()
        with pytest.raises(IdempotencyConflict) as caught:
            await guarded(store, clock, policy).run(request(), work)
        assert caught.value.retry_after_seconds is not None
        assert clock.monotonic() - before == pytest.approx(0 if policy.duplicates == "refuse" else 2)
    work.gate.set()
    await first


async def test_the_same_key_for_another_body_is_refused(store: MemoryIdempotencyStore, clock: FixedClock) -> None:
    once, work = guarded(store, clock), Work()
    await once.run(request(), work)
    with pytest.raises(IdempotencyMismatch):
        await once.run(request(body=b"two"), work)
    assert work.done == 1


async def test_the_work_goes_on_when_its_caller_goes_away(store: MemoryIdempotencyStore, clock: FixedClock) -> None:
    once, work = guarded(store, clock), Work(waits=True)
    call = asyncio.ensure_future(once.run(request(), work))
    await work.begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    work.gate.set()
    outcome = await once.run(request(), work)
    assert (outcome.replayed, outcome.answer.body, work.done) == (True, b"order 1", 1)


async def test_failed_work_frees_the_key(store: MemoryIdempotencyStore, clock: FixedClock) -> None:
    once, work = guarded(store, clock), Work()
    work.error = ConnectionError("down")
    with pytest.raises(ConnectionError):
        await once.run(request(), work)
    work.error, work.status = None, 503
    assert (await once.run(request(), work)).answer.status == 503
    work.status = 409
    assert not (await once.run(request(), work)).replayed
    assert (await once.run(request(), work)).replayed


async def test_an_answer_too_large_to_keep_is_not_made_twice(store: MemoryIdempotencyStore, clock: FixedClock) -> None:
    once, work = guarded(store, clock, IdempotencyPolicy(max_body_bytes=3)), Work()
    assert (await once.run(request(), work)).answer.body == b"order 1"
    with pytest.raises(IdempotencyConflict, match="too large"):
        await once.run(request(), work)


async def test_a_holder_that_slept_through_its_lease_gives_its_successors_answer(
    store: MemoryIdempotencyStore, clock: FixedClock
) -> None:
    once, slow, quick = guarded(store, clock), Work(waits=True), Work()
    quick.body = b"quick"
    call = asyncio.ensure_future(once.run(request(), slow))
    await slow.begun.wait()
    clock.advance(31)
    assert (await once.run(request(), quick)).answer.body == b"quick 1"
    slow.gate.set()
    late = await call
    assert (late.answer.body, late.replayed) == (b"quick 1", True)


async def test_a_holder_nobody_replaced_keeps_its_answer_after_all(store: MemoryIdempotencyStore, clock: FixedClock) -> None:
    once, slow = guarded(store, clock), Work(waits=True)
    call = asyncio.ensure_future(once.run(request(), slow))
    await slow.begun.wait()
    clock.advance(31)
    slow.gate.set()
    assert (await call).answer.body == b"order 1"
    assert (await once.run(request(), slow)).replayed


class Down(MemoryIdempotencyStore):
    """A store that does not answer."""

    async def begin(self, request: KeyedRequest, token: str, lease_seconds: float) -> Begun:
        raise StoreUnavailable


async def test_without_its_store_nothing_is_done_unless_told_to(clock: FixedClock) -> None:
    work, figures = Work(), RecordedFigures()
    with pytest.raises(StoreUnavailable):
        await Idempotency(Down(clock), clock=clock).run(request(), work)
    assert work.done == 0
    policy = IdempotencyPolicy(without_store="run")
    assert not (await Idempotency(Down(clock), policy, clock=clock, figures=figures).run(request(), work)).replayed
    assert figures.total("idempotent_requests", outcome="unguarded") == 1


async def test_closing_waits_for_work_whose_caller_is_gone_and_frees_what_hangs(
    store: MemoryIdempotencyStore, clock: FixedClock
) -> None:
    once, hangs = guarded(store, clock), Work(waits=True)
    call = asyncio.ensure_future(once.run(request(), hangs))
    await hangs.begun.wait()
    call.cancel()
    await once.close(grace_seconds=0.001)
    hangs.gate.set()
    assert not (await once.run(request(), hangs)).replayed


async def test_a_full_store_refuses_new_keys_and_forgets_no_answer(clock: FixedClock) -> None:
    once, work = guarded(MemoryIdempotencyStore(clock, max_entries=2), clock), Work()
    await once.run(request("a"), work)
    await once.run(request("b"), work)
    with pytest.raises(StoreUnavailable):
        await once.run(request("c"), work)
    assert (await once.run(request("a"), work)).replayed
    clock.advance(86_401)
    assert not (await once.run(request("c"), work)).replayed


@pytest.mark.parametrize(
    ("header", "key"),
    [('"8e03978e-40d5"', "8e03978e-40d5"), ("8e03978e", "8e03978e"), (r'"a\"b\\c d"', r'a"b\c d'), (' "x" ', "x")],
)
def test_keys_are_read_quoted_or_bare(header: str, key: str) -> None:
    assert read_key(header) == key


@pytest.mark.parametrize(
    "header", [None, "", " ", '""', '"open', "two words", "ümlaut", '"ü"', "a\nb", "x" * 256, '"' + "x" * 256 + '"']
)
def test_other_keys_are_refused(header: str | None) -> None:
    with pytest.raises(InvalidIdempotencyKey):
        read_key(header)


def test_any_text_has_a_fingerprint_of_its_own() -> None:
    assert fingerprint("\ud800") != fingerprint("?")


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_fingerprints_are_equal_for_equal_parts_only(one: list[bytes], other: list[bytes]) -> None:
    assert (fingerprint(*one) == fingerprint(*other)) is (one == other)
