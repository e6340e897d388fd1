"""Bulkheads: bounded, fair between tenants, and right when callers go away in the very moment their place comes free."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.kit.errors import BulkheadFull, DeadlineExceeded, InvalidPolicy
from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.resilience.bulkhead import Bulkhead, BulkheadPolicy
from mcp_gateway.kit.resilience.deadline import Deadlines

pytestmark = pytest.mark.anyio


class Crowd:
    """Calls inside a bulkhead that stay until told to go."""

    def __init__(self, bulkhead: Bulkhead) -> None:
        self.bulkhead = bulkhead
        self.inside: list[tuple[str, asyncio.Event]] = []
        self.most = 0

    async def call(self, tenant: str) -> None:
        async with self.bulkhead.place(tenant):
            gate = asyncio.Event()
            self.inside.append((tenant, gate))
            self.most = max(self.most, len(self.inside))
            try:
                await gate.wait()
            finally:
                self.inside.remove((tenant, gate))

    async def comes(self, *tenants: str) -> list["asyncio.Task[None]"]:
        tasks = [asyncio.ensure_future(self.call(tenant)) for tenant in tenants]
        await turns()
        return tasks

    async def one_leaves(self, index: int = 0) -> None:
        self.inside[index][1].set()
        await turns()

    def tenants(self) -> Counter[str]:
        return Counter(tenant for tenant, _ in self.inside)


async def turns() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


async def ended(tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_no_more_run_or_wait_than_allowed() -> None:
    bulkhead = Bulkhead("part", BulkheadPolicy(max_running=2, max_waiting=3))
    crowd = Crowd(bulkhead)
    tasks = await crowd.comes(*["a"] * 6)
    assert (bulkhead.usage().running, bulkhead.usage().waiting) == (2, 3)
    with pytest.raises(BulkheadFull) as caught:
        await tasks[5]
    assert caught.value.retry_after_seconds is not None
    assert caught.value.retry_after_seconds > 0
    await ended(tasks)
    assert (bulkhead.usage().running, bulkhead.usage().waiting) == (0, 0)


async def test_a_crowd_of_one_tenant_does_not_keep_another_out() -> None:
    crowd = Crowd(Bulkhead("part", BulkheadPolicy(max_running=4, max_waiting=40)))
    tasks = await crowd.comes(*["greedy"] * 40, "modest", "modest")
    await crowd.one_leaves()
    assert crowd.tenants() == {"greedy": 3, "modest": 1}
    await crowd.one_leaves()
    assert crowd.tenants() == {"greedy": 2, "modest": 2}
    await ended(tasks)


async def test_a_full_queue_makes_room_for_a_tenant_that_waits_less() -> None:
    figures = RecordedFigures()
    crowd = Crowd(Bulkhead("part", BulkheadPolicy(max_running=1, max_waiting=4), figures=figures))
    greedy = await crowd.comes(*["greedy"] * 5)
    modest = await crowd.comes("modest", "modest", "modest")
    assert [task.done() for task in greedy] == [False, False, False, True, True]
    assert [task.done() for task in modest] == [False, False, True]
    assert figures.total("bulkhead_refused", why="pushed_out") == 2
    await ended([*greedy, *modest])


async def test_a_tenant_may_be_held_to_a_number_of_its_own() -> None:
    crowd = Crowd(Bulkhead("part", BulkheadPolicy(max_running=4, max_running_per_tenant=2)))
    tasks = await crowd.comes("a", "a", "a", "b")
    assert crowd.tenants() == {"a": 2, "b": 1}
    await ended(tasks)


async def test_waiting_is_bounded() -> None:
    bulkhead = Bulkhead("part", BulkheadPolicy(max_running=1, max_wait_seconds=0.005))
    async with bulkhead.place():
        with pytest.raises(BulkheadFull):
            async with bulkhead.place():
                pytest.fail("ran")
    assert bulkhead.usage().waiting == 0


async def test_the_callers_deadline_bounds_waiting_too() -> None:
    bulkhead = Bulkhead("part", BulkheadPolicy(max_running=1, max_wait_seconds=60))
    async with bulkhead.place():
        with pytest.raises(DeadlineExceeded):
            async with Deadlines().within(0.005), bulkhead.place():
                pytest.fail("ran")
    assert bulkhead.usage().waiting == 0


async def test_a_place_given_to_one_who_has_just_gone_is_given_on() -> None:
    crowd = Crowd(Bulkhead("part", BulkheadPolicy(max_running=1)))
    tasks = await crowd.comes("a", "b", "c")
    crowd.inside[0][1].set()
    await asyncio.sleep(0)  # "a" leaves and gives its place to "b", who has not run yet
    tasks[1].cancel()
    await turns()
    assert crowd.tenants() == {"c": 1}
    await ended(tasks)
    assert crowd.bulkhead.usage().running == 0


Event = tuple[str, int]
scripts = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["a comes", "b comes", "c comes"]), st.just(0)),
        st.tuples(st.sampled_from(["leaves", "is cancelled"]), st.integers(0, 9)),
    ),
    max_size=60,
)


@given(scripts, st.integers(1, 4), st.integers(0, 5))
def test_whatever_happens_places_are_neither_lost_nor_given_twice(script: list[Event], size: int, seats: int) -> None:
    async def play() -> None:
        bulkhead = Bulkhead("part", BulkheadPolicy(max_running=size, max_waiting=seats, max_wait_seconds=60))
        crowd, tasks = Crowd(bulkhead), list[asyncio.Task[None]]()
        for what, index in script:
            if what.endswith("comes"):
                tasks += await crowd.comes(what[0])
            elif what == "leaves" and crowd.inside:
                await crowd.one_leaves(index % len(crowd.inside))
            elif what == "is cancelled" and tasks:
                tasks[index % len(tasks)].cancel()
                await turns()
            usage = bulkhead.usage()
            assert usage.running == len(crowd.inside) <= size
            assert usage.waiting == sum(not task.done() for task in tasks) - usage.running <= seats
            assert usage.running == size or usage.waiting == 0
        await ended(tasks)
        assert (bulkhead.usage().running, bulkhead.usage().waiting) == (0, 0)
        assert crowd.most <= size

    asyncio.run(play())


def test_a_policy_that_cannot_work_is_refused() -> None:
    with pytest.raises(InvalidPolicy):
        BulkheadPolicy(max_running=2, max_running_per_tenant=3)
