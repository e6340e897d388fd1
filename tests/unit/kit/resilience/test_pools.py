"""Resource pools: reservations hold, the rest is shared, several are taken all or none."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.core.errors import NotFound
from mcp_gateway.kit.errors import InvalidPolicy, PoolExhausted
from mcp_gateway.kit.resilience.pools import PoolPolicy, ResourcePool, ResourcePools, gateway_pools

pytestmark = pytest.mark.anyio

DATABASE = PoolPolicy(name="database", size=10, reserved={"api": 4, "mcp": 3}, max_wait_seconds=0.005)


async def taken(pool: ResourcePool, stack: AsyncExitStack, user: str, most: int = 50) -> int:
    """How many single units `user` gets before it would have to wait."""
    for got in range(most):
        try:
            await stack.enter_async_context(pool.lease(user))
        except PoolExhausted:
            return got
    return most


async def test_nobody_takes_what_is_reserved_for_another() -> None:
    pool = ResourcePool(DATABASE)
    async with AsyncExitStack() as stack:
        assert await taken(pool, stack, "jobs") == 3
        assert await taken(pool, stack, "api") == 4
        assert await taken(pool, stack, "mcp") == 3
        usage = pool.usage()
        assert (usage.in_use, usage.shared_in_use, usage.reserved_in_use) == (10, 3, {"api": 4, "mcp": 3})
    assert (pool.usage().in_use, pool.usage().most_in_use, pool.usage().refused) == (0, 10, 3)


async def test_a_reservation_is_used_before_the_shared_part() -> None:
    pool = ResourcePool(DATABASE)
    async with pool.lease("api", 5):
        assert (pool.usage().shared_in_use, pool.usage().reserved_in_use["api"]) == (1, 4)


async def test_more_than_could_ever_be_free_is_refused_at_once() -> None:
    pool = ResourcePool(PoolPolicy(name="database", size=10, reserved={"api": 4}, max_wait_seconds=600))
    for user, units in (("jobs", 7), ("api", 11), ("jobs", 0)):
        with pytest.raises(PoolExhausted):
            async with pool.lease(user, units):
                pytest.fail("was granted")


async def test_one_who_waits_for_much_is_not_passed_by_those_who_want_little() -> None:
    pool, order = ResourcePool(PoolPolicy(name="database", size=3)), list[str]()

    async def use(user: str, units: int) -> None:
        async with pool.lease(user, units):
            order.append(user)
            await asyncio.sleep(0)

    async with pool.lease("first", 2):
        waiting = [asyncio.ensure_future(use("big", 3)), asyncio.ensure_future(use("small", 1))]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert pool.usage().waiting == 2
    await asyncio.gather(*waiting)
    assert order == ["big", "small"]


async def test_several_pools_are_taken_all_or_none() -> None:
    pools = ResourcePools([DATABASE, PoolPolicy(name="cache", size=2, max_wait_seconds=0.005)])
    async with pools.pool("cache").lease("other", 2):
        with pytest.raises(PoolExhausted):
            async with pools.allocate("jobs", {"database": 2, "cache": 1}):
                pytest.fail("was granted")
        assert [usage.in_use for usage in pools.usage()] == [2, 0]
    async with pools.allocate("jobs", {"database": 2, "cache": 1, "unknown": 0}):
        assert [usage.in_use for usage in pools.usage()] == [1, 2]


async def test_the_pools_of_a_gateway_are_those_of_its_specification() -> None:
    pools = ResourcePools(gateway_pools())
    assert [(usage.name, usage.size, usage.shared) for usage in pools.usage()] == [
        ("database_connections", 20, 4),
        ("oauth_validations", 50, 50),
        ("redis_connections", 10, 0),
    ]
    with pytest.raises(NotFound):
        pools.pool("llamas")


def test_reservations_beyond_the_size_and_names_used_twice_are_refused() -> None:
    with pytest.raises(InvalidPolicy):
        PoolPolicy(name="database", size=3, reserved={"api": 2, "mcp": 2})
    with pytest.raises(InvalidPolicy):
        ResourcePools([DATABASE, DATABASE])


scripts = st.lists(st.tuples(st.sampled_from(["take", "leave", "cancel"]), st.integers(0, 2), st.integers(1, 4)), max_size=50)


@given(scripts)
def test_whatever_happens_units_are_neither_lost_nor_given_twice(script: list[tuple[str, int, int]]) -> None:
    async def play() -> None:
        pool = ResourcePool(PoolPolicy(name="database", size=6, reserved={"u0": 2, "u1": 1}, max_wait_seconds=60))
        held: list[tuple[int, asyncio.Event]] = []
        tasks: list[asyncio.Task[None]] = []

        async def use(user: str, units: int) -> None:
            async with pool.lease(user, units):
                mine = (units, asyncio.Event())
                held.append(mine)
                try:
                    await mine[1].wait()
                finally:
                    held.remove(mine)

        for what, who, units in script:
            if what == "take":
                tasks.append(asyncio.ensure_future(use(f"u{who}", units)))
            elif what == "leave" and held:
                held[who % len(held)][1].set()
            elif tasks:
                tasks[who % len(tasks)].cancel()
            for _ in range(6):
                await asyncio.sleep(0)
            usage = pool.usage()
            assert usage.in_use == sum(units for units, _ in held) <= 6
            assert usage.shared_in_use <= usage.shared
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (pool.usage().in_use, pool.usage().waiting) == (0, 0)

    asyncio.run(play())
