"""One session with a server: the handshake, and what stands in it from one request to the next."""

import asyncio
from collections.abc import Callable
from typing import Final

from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.kept_facts import read_facts
from mcp_gateway.adapters.links.legacy.channel import Channel, SessionForgotten, SpeaksOtherwise
from mcp_gateway.adapters.links.legacy.exchange import Exchange
from mcp_gateway.adapters.links.legacy.peer import Peer
from mcp_gateway.adapters.links.legacy.translate import ASKABLE, facts_of, graver, params_of, runs_tasks, with_own_token
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.core.protocol.revisions import LATEST_LEGACY, LEGACY_REVISIONS, MODERN
from mcp_gateway.core.protocol.words import METHOD_NOT_FOUND, UNSUPPORTED_VERSION
from mcp_gateway.federation.envelope import meta_of
from mcp_gateway.federation.errors import UpstreamAnswerTooLarge, UpstreamLost, UpstreamTimedOut, UpstreamUnreachable
from mcp_gateway.federation.model import Client, Request, UpstreamFacts

_NOBODY: Final[JsonObject] = {"name": "mcp-gateway", "version": "1"}

Announced = Callable[[JsonObject], None]


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, error: JsonObject) -> None:
        super().__init__()
        self.error = error

    @property
    def code(self) -> Json:
        return self.error.get("code")


class Session:
    """Made for one client, whose info and capabilities the server is told. Use it after `open`."""

    def __init__(self, channel: Channel, client: Client, faults: Faults) -> None:
        self.client, self._channel, self._faults = client, channel, faults
        self.peer = Peer(channel, self._announced, self._interrupted)
        self.facts: UpstreamFacts
        # Calls and watches that hold it, and when the last one let go.
        self.holders = 0
        self.idle_since = 0.0
        self.closed = False
        self.on_announcement: dict[object, Announced] = {}
        self.on_interruption: dict[object, Callable[[], None]] = {}
        self._level: str | None = None
        # Whether it turned out to speak 2026-07-28, on a channel that both eras use alike.
        self.modern = False
        # Whether its tools may run as tasks.
        self.runs_tasks = False

    @property
    def usable(self) -> bool:
        return not self.closed and self.peer.lost_to is None

    async def open(self) -> None:
        """Raises `SpeaksOtherwise`, and the errors of `federation/errors.py`."""
        try:
            await self._open()
        except (UpstreamLost, SessionForgotten) as error:
            # Nothing was asked of it yet.
            why = error.message if isinstance(error, UpstreamLost) else "it forgets its session"
            raise UpstreamUnreachable(why, server=self._faults.server) from error

    async def _open(self) -> None:
        await self._channel.open(self.peer)
        try:
            await self._shake_hands()
        except SpeaksOtherwise:
            if not self._channel.for_both_eras:
                raise
            await self._discover()

    async def _discover(self) -> None:
        """In place of a handshake, at a server that knows none."""
        try:
            result = await self.ask("server/discover", {"_meta": meta_of(self.client, {})})
        except Refused as refused:
            raise self._faults.misbehaved(f"says nothing of itself (code {refused.code})") from refused
        self.facts = read_facts(result, self._faults)
        self.modern = True

    async def _shake_hands(self) -> None:
        proposed = self.client.revision if self.client.revision in LEGACY_REVISIONS else LATEST_LEGACY
        try:
            result = await self._initialize(proposed)
        except Refused as refused:
            result = await self._again(refused, proposed)
        self.facts = facts_of(result)
        self.runs_tasks = runs_tasks(result)
        if self.facts.revision not in LEGACY_REVISIONS:
            raise self._faults.misbehaved("settled on a revision of the protocol that it was not offered")
        await self._channel.agreed(self.facts.revision)
        await self.peer.notify("notifications/initialized")
        if ASKABLE & self.client.capabilities.keys():
            self._channel.listen()

    async def _initialize(self, revision: str) -> JsonObject:
        params: JsonObject = {
            "protocolVersion": revision,
            "capabilities": self.client.capabilities,
            "clientInfo": self.client.info or _NOBODY,
        }
        return await self.ask("initialize", params)

    async def _again(self, refused: Refused, proposed: str) -> JsonObject:
        """Once more with a revision the server named."""
        named = object_at(refused.error, "data").get("supported")
        supported = tuple(one for one in named if isinstance(one, str)) if isinstance(named, list) else ()
        common = [one for one in LEGACY_REVISIONS if one in supported and one != proposed]
        if refused.code in (UNSUPPORTED_VERSION, METHOD_NOT_FOUND) and (MODERN in supported or not common):
            raise SpeaksOtherwise(supported) from refused
        if common:
            try:
                return await self._initialize(common[0])
            except Refused as error:
                refused = error
        raise self._faults.misbehaved(f"refuses the handshake (code {refused.code})") from refused

    async def ask(self, method: str, params: JsonObject) -> JsonObject:
        """The result of a small request of the gateway's own. Raises `Refused`."""
        message = await self.response(method, params)
        result = message.get("result")
        if isinstance(result, dict):
            return result
        raise Refused(object_at(message, "error"))

    async def response(self, method: str, params: JsonObject) -> JsonObject:
        """The response to such a request, an error too."""
        exchange = self.peer.exchange()
        try:
            await self.peer.ask(exchange, method, params, self.client)
            while "method" in (message := await exchange.next()):
                if "id" in message:
                    self.peer.refuse(message)
        finally:
            self.peer.done(exchange)
        return message

    async def begin(self, request: Request) -> Exchange:
        """Sends a client's request. Raises as `Channel.ask` does; then nothing is left of it."""
        exchange = self.peer.exchange()
        token = object_at(request.params, "_meta").get("progressToken")
        sent = None if token is None else self.peer.token_for(token, exchange)
        try:
            if self.modern:
                params = {**request.params, "_meta": with_own_token(meta_of(request.client, request.params), sent)}
            else:
                await self.want_level(request.client.log_level)
                params = params_of(request.params, sent)
            await self.peer.ask(exchange, request.method, params, request.client)
        except (asyncio.CancelledError, UpstreamTimedOut, UpstreamAnswerTooLarge):
            # It may be at work.
            await asyncio.shield(self.peer.cancel(exchange, "the answer is not waited for"))
            raise
        except BaseException:
            self.peer.done(exchange)
            raise
        return exchange

    async def want_level(self, level: str | None) -> None:
        """Has the server log at least down to this level; who wants less is told less by the gateway."""
        if level is None or "logging" not in self.facts.capabilities:
            return
        before = self._level
        if before is not None and not graver(before, level):
            return
        self._level = level
        try:
            await self.ask("logging/setLevel", {"level": level})
        except Refused:
            pass
        except GatewayError:
            self._level = before

    def listen(self) -> None:
        self._channel.listen()

    async def close(self) -> None:
        """Never raises."""
        if not self.closed:
            self.closed = True
            if self.peer.lost_to is None:
                self.peer.lost(self._faults.lost("its session was closed"))
            await self.peer.close()
            await self._channel.close()

    def _announced(self, message: JsonObject) -> None:
        for told in tuple(self.on_announcement.values()):
            told(message)

    def _interrupted(self) -> None:
        for told in tuple(self.on_interruption.values()):
            told()
