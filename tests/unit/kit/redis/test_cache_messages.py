"""What replicas say to each other survives any name."""

import json

import pytest

from mcp_gateway.kit.cache.ports import Place
from mcp_gateway.kit.redis.cache_messages import read_filled, say_filled

PLACES = [Place("books", "acme", "k"), Place('a"b', "c\\d", "line\nend\x00"), Place("ü", "\udc80", "😀],[")]


@pytest.mark.parametrize("place", PLACES, ids=["plain", "quotes", "beyond ASCII"])
def test_the_place_of_an_ended_lease_arrives_as_it_was_said(place: Place) -> None:
    message = say_filled(place)
    assert json.loads(message[1:]) == list(place)
    assert read_filled(message.encode()) == place
