"""`subscriptions/listen` of 2026-07-28, merged over every server of a view.

A stream tells that something changed, never what it is now, and nothing is told again later: whoever was away asks anew. So
several changes of one thing are told as one, and what may have been missed is told as changed.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

import structlog

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.errors import TooManyListeners, UnknownName
from mcp_gateway.federation.model import Change, Client, Reply, Request
from mcp_gateway.federation.ports import ChangeBus
from mcp_gateway.federation.subscriptions.audience import Audience
from mcp_gateway.federation.subscriptions.extensions import open_extensions
from mcp_gateway.federation.subscriptions.filters import read_filter
from mcp_gateway.federation.subscriptions.listener import NOWHERE, Listener
from mcp_gateway.federation.subscriptions.mailbox import Mailbox
from mcp_gateway.federation.subscriptions.messages import LIST_FILTERS, URI_FILTER, acknowledged
from mcp_gateway.federation.subscriptions.ports import Located, Offers, Watching
from mcp_gateway.federation.views import View

MAX_LISTENERS: Final = 10_000
MAX_LISTENERS_OF_A_CALLER: Final = 1_000
# What an upstream takes longer to agree to is told as changed once it has.
READY_SECONDS: Final = 2.0
# A listener that does not read for so long is dropped; looked after this often.
UNREAD_SECONDS: Final = 60.0
SWEEP_SECONDS: Final = 15.0
# Listeners looked at anew in one turn of the loop.
AT_ONCE: Final = 50

_log = structlog.get_logger(__name__)


class Listening:
    """One per replica. `close` ends every stream with its result."""

    def __init__(self, offers: Offers, watching: Watching, bus: ChangeBus) -> None:
        self._offers, self._watching = offers, watching
        self._audience = Audience(watching)
        self._of_caller: dict[tuple[str, str], int] = {}
        self._end_hearing = bus.subscribe(self._hear)
        self._looking: asyncio.Task[None] | None = None
        self._look_again = False
        self._sweep: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._audience)

    async def open(self, view: View, request: Request) -> Reply:
        """The stream; its first message says what of the filter is honoured.

        Raises `InvalidInput`, `TooLarge`, `TooManyListeners`, and `UnknownName` for an endpoint that is not there for the client.
        """
        asked = read_filter(request.params)
        client = replace(request.client, trace=())
        if self._offers.current(view, client) is None:
            raise UnknownName(name=view.name)
        self._require_room(client)
        lists = asked.lists & self._offers.kinds(view, client)
        places = await self._offers.locate(view, client, asked.uris) if asked.uris else NOWHERE
        listener = self._make(view, client, lists, places, request)
        self._audience.add(listener)
        self._begin_sweeping()
        async with AsyncExitStack() as unless_ready:
            unless_ready.push_async_callback(listener.mailbox.close)
            waited = self._audience.unsettled(listener)
            await self._watching.ready(waited, timeout_seconds=READY_SECONDS)
            self._audience.settle(listener, waited)
            if asked.extensions:
                routes = self._offers.extensions(view, client, asked.extensions)
                listener.extensions = await open_extensions(routes, client, self._watching.link_of)
            unless_ready.pop_all()
        listener.mailbox.begin(acknowledged(request.id, self._honoured(listener)))
        if listener.extensions is not None:
            listener.extensions.start(listener.mailbox)
        return Reply(events=listener.mailbox, close=listener.mailbox.close)

    def reconsider(self) -> None:
        """The registry, the policy or an approval changed: whoever sees something else now is told, or told less from now on."""
        self._look_again = True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_at_all(), name="listeners-reconsidered")

    def tell(self, change: Change) -> None:
        """Of something every replica learns by itself, such as a decision about a definition."""
        self._hear(change)

    async def close(self) -> None:
        """End every stream with its result, and hear of nothing any more."""
        self._end_hearing()
        if self._sweep is not None:
            self._sweep.cancel()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking}, timeout=1.0)
        self.say_goodbye()

    def say_goodbye(self) -> None:
        """End every stream with its result."""
        for listener in tuple(self._audience):
            self._drop(listener)

    def _require_room(self, client: Client) -> None:
        whose = (client.caller.tenant, client.caller.subject)
        if len(self._audience) >= MAX_LISTENERS or self._of_caller.get(whose, 0) >= MAX_LISTENERS_OF_A_CALLER:
            raise TooManyListeners(limit=MAX_LISTENERS_OF_A_CALLER)

    def _make(
        self, view: View, client: Client, lists: frozenset[str], places: Mapping[str, Located], request: Request
    ) -> Listener:
        whose = (client.caller.tenant, client.caller.subject)
        self._of_caller[whose] = self._of_caller.get(whose, 0) + 1

        def ended() -> None:
            self._audience.remove(listener)
            if listener.extensions is not None:
                listener.extensions.close()
            self._of_caller[whose] -= 1
            if not self._of_caller[whose]:
                del self._of_caller[whose]

        listener = Listener(
            view=view,
            client=client,
            lists=lists,
            seen=self._offers.seen(view, client),
            signature=self._offers.signature(view, client),
            mailbox=Mailbox(request.id, ended),
            identity_of=self._watching.identity_of,
            shown_uri=self._offers.shown_uri,
            places=places,
        )
        return listener

    def _honoured(self, listener: Listener) -> JsonObject:
        """What of the filter is acknowledged; the rest is left out."""
        honoured: JsonObject = {key: True for kind, key in LIST_FILTERS.items() if kind in listener.lists}
        if listener.extensions is not None:
            honoured |= listener.extensions.honoured
        told = self._watching.state_of
        uris = [uri for uri, place in listener.places.items() if told(place.server, listener.client) != "cannot"]
        return {**honoured, URI_FILTER: list[Json](uris)} if uris else honoured

    def _hear(self, change: Change) -> None:
        for listener in self._audience.concerned(change):
            listener.hear(change)

    def _drop(self, listener: Listener) -> None:
        """Its room is free at once, even if nobody ever reads the rest."""
        self._audience.remove(listener)
        if listener.extensions is not None:
            listener.extensions.close()
        listener.mailbox.end()

    async def _look_at_all(self) -> None:
        while self._look_again:
            self._look_again = False
            for number, listener in enumerate(self._audience):
                if number % AT_ONCE == AT_ONCE - 1:
                    await asyncio.sleep(0)
                try:
                    await self._look_at(listener)
                except Exception:  # noqa: BLE001  (a wall: this listener alone)
                    # What it may still be told is not known, so nothing.
                    _log.exception("listener_not_reconsidered", view=listener.view.name)
                    self._drop(listener)

    async def _look_at(self, listener: Listener) -> None:
        client, view = listener.client, self._offers.current(listener.view, listener.client)
        if view is None:
            self._drop(listener)
            return
        signature = self._offers.signature(view, client)
        if signature == listener.signature or listener not in self._audience:
            return
        places = await self._offers.locate(view, client, tuple(listener.places)) if listener.places else NOWHERE
        if listener not in self._audience:
            return
        self._audience.remove(listener)
        listener.view, listener.signature, listener.places = view, signature, places
        listener.seen = self._offers.seen(view, client)
        self._audience.add(listener)
        listener.selection_changed()

    def _begin_sweeping(self) -> None:
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep_slow)

    def _sweep_slow(self) -> None:
        self._sweep = None
        oldest = asyncio.get_running_loop().time() - UNREAD_SECONDS
        for listener in self._audience:
            if 0 < listener.mailbox.unread_since < oldest:
                _log.info("listener_dropped", reason="reads too slowly", view=listener.view.name)
                self._drop(listener)
        if len(self._audience):
            self._begin_sweeping()
