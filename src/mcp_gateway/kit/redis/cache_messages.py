"""What replicas say to each other about the cache, and what the store says about them, read strictly.

On the channel of all: an invalidation, or a replica's own name to hear itself by. To one replica: `A`, the invalidation's number
(16 letters) and who heard it; or `F` and the place of a lease that has ended.
"""

import json
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii as _quoted
from typing import NamedTuple

from mcp_gateway.kit.cache.ports import Invalidation, Place
from mcp_gateway.kit.errors import StoreRefused
from mcp_gateway.kit.redis.wire import Reply

NUMBER_LETTERS = 16


class Told(NamedTuple):
    """An invalidation as heard. `number` is empty when nobody waits for an answer."""

    number: str
    sender: str
    cache: str
    tenant: str
    keys: Sequence[str]
    tags: Sequence[str]


class Hello(NamedTuple):
    """A replica's word to itself on its `line`, the number of its connection."""

    replica: str
    line: int


class Members(NamedTuple):
    """`age`: seconds since the list of members was begun, None when there is none. `lasting`: seconds each is one still."""

    age: float | None
    lasting: dict[str, float]


def say_invalidation(invalidation: Invalidation, number: str, sender: str) -> str:
    cache, tenant, keys, tags, _ = invalidation
    return json.dumps([number, sender, cache, tenant, keys, tags])


def say_hello(hello: Hello) -> str:
    return json.dumps(hello)


def say_heard(number: str, replica: str) -> str:
    return f"A{number}{replica}"


def say_filled(place: Place) -> str:
    # As `json.dumps` would, and several times as fast: every fill carries it.
    cache, tenant, key = place
    return f"F[{_quoted(cache)},{_quoted(tenant)},{_quoted(key)}]"


def read_told(message: bytes) -> Told | Hello:
    """Raises `ValueError` for anything that is not ours."""
    match json.loads(message):
        case [str(number), str(sender), str(cache), str(tenant), list(keys), list(tags)]:
            return Told(number, sender, cache, tenant, _texts(keys), _texts(tags))
        case [str(replica), int(line)]:
            return Hello(replica, line)
    raise ValueError("not a message of the cache")


def read_heard(message: bytes) -> tuple[str, str]:
    """The number and the replica. Raises `ValueError`."""
    text = message[1:].decode()
    return text[:NUMBER_LETTERS], text[NUMBER_LETTERS:]


def read_filled(message: bytes) -> Place:
    """Raises `ValueError`."""
    match json.loads(message[1:]):
        case [str(cache), str(tenant), str(key)]:
            return Place(cache, tenant, key)
    raise ValueError("not a place")


def read_members(members: Reply, time: Reply) -> Members:
    """From HGETALL and a later TIME. Raises `StoreRefused`."""
    match members, time:
        case dict(), [bytes(seconds), bytes(microseconds)]:
            now = int(seconds) + int(microseconds) / 1e6
            try:
                until = {
                    name.decode(): int(value) / 1000 - now
                    for name, value in members.items()
                    if isinstance(name, bytes) and isinstance(value, bytes)
                }
            except ValueError as error:
                raise StoreRefused("The store's list of cache members is not in our form.") from error
            born = until.pop("born", None)
            return Members(None if born is None else -born, {name: left for name, left in until.items() if left > 0})
    raise StoreRefused("The store's list of cache members is not in our form.")


def _texts(values: list[object]) -> list[str]:
    texts = [one for one in values if isinstance(one, str)]
    if len(texts) != len(values):
        raise ValueError("not a list of texts")
    return texts
