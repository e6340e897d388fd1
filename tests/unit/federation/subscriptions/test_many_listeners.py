"""Whatever many clients want and whatever servers announce, each client is told exactly what it asked for and may hear."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.unit.federation.subscriptions.world import World, next_of

from mcp_gateway.federation.model import Change, ChangeKind, Reply
from mcp_gateway.federation.subscriptions.messages import LIST_CHANGED, LIST_FILTERS, UPDATED

pytestmark = pytest.mark.anyio
SERVERS, CALLERS = ("shop", "files"), ("ann", "bob", "cyd")
URIS = ("a", "a/b", "a/b/c", "ab", "d")
KINDS: tuple[ChangeKind, ...] = ("tools", "prompts", "resources", "resource", "other", "lost")


@dataclass
class Client:
    """A listening client, and what it should have been told since it last read everything."""

    caller: str
    lists: frozenset[str]
    places: frozenset[tuple[str, str]]
    reply: Reply
    expected: set[tuple[str, str]] = field(default_factory=set)

    def should_hear(self, change: Change) -> set[tuple[str, str]]:
        """Written as plainly as can be: this is what the product is held to."""
        if change.identity and change.identity != self.caller:
            return set()
        told: set[tuple[str, str]] = set()
        for kind in self.lists:
            if change.kind in (kind, "lost"):
                told.add((LIST_CHANGED[kind], ""))
        for server, uri in self.places:
            if change.kind == "lost" and change.server in ("", server):
                told.add((UPDATED, f"{server}+{uri}"))
            if change.kind == "resource" and change.server == server and f"{change.uri}/".startswith(f"{uri}/"):
                told.add((UPDATED, f"{server}+{change.uri}"))
        return told


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    made.personal.add("files")
    yield made
    await made.close()


async def listening(world: World, chance: random.Random) -> Client:
    lists = frozenset(kind for kind in LIST_FILTERS if chance.random() < 0.5)
    places = frozenset((chance.choice(SERVERS), chance.choice(URIS)) for _ in range(chance.randrange(4)))
    caller = chance.choice(CALLERS)
    wanted: dict[str, Any] = {LIST_FILTERS[kind]: True for kind in lists}
    reply = await world.listen(caller, **wanted, resourceSubscriptions=[f"{server}+{uri}" for server, uri in places])
    await next_of(reply)
    return Client(caller, lists, places, reply)


def announced(chance: random.Random) -> Change:
    kind = chance.choice(KINDS)
    server = "" if kind == "lost" and chance.random() < 0.2 else chance.choice(SERVERS)
    identity = chance.choice(("", *CALLERS)) if server == "files" else ""
    return Change(server=server, kind=kind, uri=chance.choice(URIS) if kind == "resource" else "", identity=identity)


async def told(reply: Reply) -> set[tuple[str, str]]:
    """All that waits to be read, each once."""
    assert reply.events is not None
    found: list[tuple[str, str]] = []
    while reply.events.unread_since:  # type: ignore[attr-defined]  # a mailbox
        message = await next_of(reply)
        params = message["params"]
        assert isinstance(params, dict)
        found.append((str(message["method"]), str(params.get("uri", ""))))
    assert len(found) == len(set(found))
    return set(found)


@pytest.mark.parametrize("seed", range(12))
async def test_each_client_is_told_what_it_asked_for_and_may_hear_and_nothing_else(world: World, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same every time
    clients = [await listening(world, chance) for _ in range(20)]
    for _ in range(300):
        change = announced(chance)
        world.bus.tell(change)
        for client in clients:
            client.expected |= client.should_hear(change)
        if chance.random() < 0.1:
            leaving = clients.pop(chance.randrange(len(clients)))
            assert await told(leaving.reply) == leaving.expected
            await leaving.reply.close()
            clients.append(await listening(world, chance))
        for client in chance.sample(clients, 3):
            assert await told(client.reply) == client.expected
            client.expected = set()
    for client in clients:
        await client.reply.close()
    assert len(world.listening) == 0
