"""Who may share a read under way: nobody for whom an invalidation may have come between."""

import asyncio

import pytest

from mcp_gateway.kit.cache.flights import MAX_REMEMBERED, Flight, Flights
from mcp_gateway.kit.cache.model import CachePolicy

pytestmark = pytest.mark.anyio


async def load() -> int:
    return 1


def flying(flights: "Flights[int]", key: str = "k", tags: tuple[str, ...] = ("x",)) -> "Flight[int]":
    flight: Flight[int] = Flight(("t", key), loader=load, policy=CachePolicy(), tags=tags)
    flights.add(flight)
    flights.begin_read(flight, 1)
    return flight


async def test_a_flight_is_shared_only_while_everything_acknowledged_has_been_heard() -> None:
    flights: Flights[int] = Flights()
    flight = flying(flights)
    assert flights.joinable(flight, trusted=True, epoch=1)
    assert not flights.joinable(flight, trusted=False, epoch=1)
    assert not flights.joinable(flight, trusted=True, epoch=2)


async def test_a_flight_that_has_read_nothing_yet_is_shared_by_everybody() -> None:
    flights: Flights[int] = Flights()
    flight = flying(flights)
    flights.begin_wait(flight)
    assert flights.joinable(flight, trusted=False, epoch=9)


@pytest.mark.parametrize(("tenant", "keys", "tags"), [("t", ["k"], []), ("t", [], ["x"])])
async def test_an_invalidation_overtakes_the_flights_of_its_keys_and_tags(tenant: str, keys: list[str], tags: list[str]) -> None:
    flights: Flights[int] = Flights()
    flight = flying(flights)
    flights.invalidated(tenant, keys, tags)
    assert flights.is_overtaken(flight, ("x",))
    assert not flights.joinable(flight, trusted=True, epoch=1)
    assert flight.woken
    flights.begin_read(flight, 1)
    assert not flights.is_overtaken(flight, ("x",))


@pytest.mark.parametrize(("tenant", "keys", "tags"), [("u", ["k"], ["x"]), ("t", ["kk"], []), ("t", [], ["y"])])
async def test_an_invalidation_of_something_else_overtakes_nothing(tenant: str, keys: list[str], tags: list[str]) -> None:
    flights: Flights[int] = Flights()
    flight = flying(flights)
    flights.invalidated(tenant, keys, tags)
    assert not flights.is_overtaken(flight, ("x",))


async def test_any_tag_of_the_tenant_counts_while_the_values_tags_are_unknown() -> None:
    flights: Flights[int] = Flights()
    flight = flying(flights)
    flights.invalidated("t", [], ["y"])
    assert flights.is_overtaken(flight, None)


async def test_an_older_flight_of_the_same_key_is_overtaken_too() -> None:
    flights: Flights[int] = Flights()
    older, newer = flying(flights), flying(flights)
    flights.begin_read(older, 1)
    flights.invalidated("t", ["k"], [])
    assert flights.is_overtaken(older, ())
    assert flights.is_overtaken(newer, ())


async def test_too_many_names_to_remember_overtake_everybody() -> None:
    flights: Flights[int] = Flights()
    flight = flying(flights)
    for number in range(MAX_REMEMBERED + 1):
        flights.invalidated("u", [str(number)], [])
    assert flights.is_overtaken(flight, ())


async def test_a_lost_connection_overtakes_and_wakes_everybody() -> None:
    flights: Flights[int] = Flights()
    flight = flying(flights)
    flights.emptied()
    assert flights.is_overtaken(flight, ())
    async with asyncio.timeout(20):
        await flight.wait(60)
