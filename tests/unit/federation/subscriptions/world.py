"""A view over links that do what a test tells them to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Mapping, Sequence
from typing import Any

import orjson
from tests.upstreams.still import StillLink

from mcp_gateway.adapters.change_bus_memory import MemoryChangeBus
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, MessageId, object_at
from mcp_gateway.federation.model import Change, Client, Reply, Request
from mcp_gateway.federation.ports import ChangeBus, Wanted
from mcp_gateway.federation.subscriptions.listening import Listening
from mcp_gateway.federation.subscriptions.messages import acknowledged
from mcp_gateway.federation.subscriptions.ports import ExtensionRoute, Located, Seen
from mcp_gateway.federation.subscriptions.watchers import Watchers
from mcp_gateway.federation.views import View

ALL = View(kind="all")
GATEWAY = Client(caller=Caller(tenant="", subject="gateway"))


class ToldLink(StillLink):
    """A link whose server announces what the test says; `fault` is raised instead of agreeing."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.fault: GatewayError | None = None
        self.agreeing = asyncio.Event()
        self.agreeing.set()
        self.watches: list[ToldWatch] = []
        self.asked: list[JsonObject] = []
        # What the last stream of an extension tells; None ends it.
        self.extension: asyncio.Queue[JsonObject | None] = asyncio.Queue()

    async def send(self, request: Request) -> Reply:
        """A stream of an extension."""
        if self.fault is not None:
            raise self.fault
        self.asked.append(request.params)
        self.extension = asyncio.Queue()
        return Reply(events=self._told(request))

    async def _told(self, request: Request) -> AsyncIterator[bytes]:
        yield acknowledged(request.id, object_at(request.params, "notifications"))
        while (message := await self.extension.get()) is not None:
            yield orjson.dumps(message)

    async def watch(self, client: Client, on_change: Callable[[Change], None]) -> "ToldWatch":
        await self.agreeing.wait()
        if self.fault is not None:
            raise self.fault
        watch = ToldWatch(self, client, on_change)
        self.watches.append(watch)
        return watch

    def says(self, kind: Any, uri: str = "", **params: Any) -> None:
        """To every watch that wants to hear it."""
        message: JsonObject = {"params": params} if params else {}
        for watch in self.watches:
            wants = kind in watch.wanted.lists or (kind == "resource" and any(uri.startswith(one) for one in watch.wanted.uris))
            if wants or kind in ("lost", "other"):
                watch.on_change(Change(server=self.name, kind=kind, uri=uri, message=message))


class ToldWatch:
    def __init__(self, link: ToldLink, client: Client, on_change: Callable[[Change], None]) -> None:
        self.link, self.client, self.on_change = link, client, on_change
        self.wanted = Wanted()
        self.hears = True

    async def want(self, wanted: Wanted) -> None:
        await self.link.agreeing.wait()
        if self.link.fault is not None:
            raise self.link.fault
        self.wanted = wanted

    async def close(self) -> None:
        self.link.watches.remove(self)


class World:
    """Servers `shop` and `files`; resources are called `server+uri` in the view. `personal` servers know each caller."""

    def __init__(self, bus: ChangeBus | None = None) -> None:
        self.links = {name: ToldLink(name) for name in ("shop", "files")}
        self.hidden: set[str] = set()
        self.without_prompts: set[str] = set()
        self.personal: set[str] = set()
        self.unreadable: set[str] = set()
        self.closed = False
        self.bus = bus or MemoryChangeBus()
        self.watchers = Watchers(
            link_of=self.links.get, identity_of=self._identity_of, gateway=GATEWAY, bus=self.bus, spread=lambda: 0.5
        )
        self.listening = Listening(self, self.watchers, self.bus)

    async def listen(self, caller: str = "ann", request_id: MessageId = 1, view: View = ALL, **wanted: Any) -> Reply:
        client = Client(caller=Caller(tenant="acme", subject=caller))
        params: JsonObject = {"notifications": wanted}
        return await self.listening.open(
            view, Request(id=request_id, method="subscriptions/listen", params=params, client=client)
        )

    async def close(self) -> None:
        await self.listening.close()
        await self.watchers.close()

    def current(self, view: View, client: Client) -> View | None:
        return None if self.closed else view

    def seen(self, view: View, client: Client) -> Seen:
        servers = frozenset(self.links) - self.hidden
        return Seen(servers, servers - self.without_prompts, servers)

    def kinds(self, view: View, client: Client) -> frozenset[str]:
        return frozenset({"tools", "prompts", "resources"})

    def signature(self, view: View, client: Client) -> Hashable:
        return (frozenset(self.hidden), frozenset(self.unreadable))

    async def locate(self, view: View, client: Client, uris: Collection[str]) -> Mapping[str, Located]:
        found = {uri: uri.partition("+") for uri in uris if uri not in self.unreadable}
        here = self.seen(view, client).every()
        return {uri: Located(server=server, uri=rest) for uri, (server, _, rest) in found.items() if server in here}

    def extensions(self, view: View, client: Client, asked: JsonObject) -> Sequence[ExtensionRoute]:
        """Everything concerns the shop, which says `params` without their `here`."""
        return [
            ExtensionRoute(
                server="shop",
                filter=asked,
                acknowledge=lambda honoured: honoured,
                restore=lambda params: {**params, "here": True},
            )
        ]

    def shown_uri(self, view: View, server: str, uri: str) -> str:
        return f"{server}+{uri}"

    def _identity_of(self, server: str, client: Client) -> str:
        return client.caller.subject if server in self.personal else ""


async def next_of(reply: Reply, *, seconds: float = 5.0) -> JsonObject:
    """The next message, waited for so long at most."""
    assert reply.events is not None
    async with asyncio.timeout(seconds):
        message: JsonObject = orjson.loads(await anext(reply.events))
    return message


async def nothing_waits(reply: Reply) -> bool:
    """Whether there is nothing to be read now."""
    assert reply.events is not None
    reading = asyncio.ensure_future(anext(reply.events))
    for _ in range(5):
        await asyncio.sleep(0)
    done = reading.done()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return not done
