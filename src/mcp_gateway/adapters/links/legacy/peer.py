"""JSON-RPC in one session: who asked what, and which request a message of the server belongs to."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from mcp_gateway.adapters.links.legacy.channel import Channel
from mcp_gateway.adapters.links.legacy.exchange import Exchange
from mcp_gateway.adapters.links.legacy.later import Later
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.protocol.frames import JsonObject, error_message, object_at
from mcp_gateway.core.protocol.words import INVALID_REQUEST, SUBSCRIPTION_KEY
from mcp_gateway.federation.model import Client

# 2025-11-25: the key of `_meta` that names the task a message is about.
_RELATED_TASK: Final = "io.modelcontextprotocol/related-task"
_CANCEL_SECONDS: Final = 2.0
_ALONE: Final = "The client has no request under way that this could belong to."


class Peer:
    """The server at the other end of a channel. `on_announcement` gets notifications that belong to no request."""

    def __init__(self, channel: Channel, on_announcement: Callable[[JsonObject], None], on_lost: Callable[[], None]) -> None:
        self._channel = channel
        self._on_announcement = on_announcement
        self._on_lost = on_lost
        self._later = Later(seconds=_CANCEL_SECONDS)
        self._last_id = 0
        self._exchanges: dict[int, Exchange] = {}
        self._by_token: dict[str | int, Exchange] = {}
        self._by_task: dict[str, Exchange] = {}
        self.lost_to: Exception | None = None

    def exchange(self) -> Exchange:
        self._last_id += 1
        return Exchange(self._last_id)

    async def ask(self, exchange: Exchange, method: str, params: JsonObject, client: Client) -> None:
        """Sends the request of this exchange; what comes of it is read there. End it with `done` or `cancel`."""
        token = object_at(params, "_meta").get("progressToken")
        if isinstance(token, str | int):
            self._by_token[token] = exchange
            exchange.on_close.append(lambda: self._by_token.pop(token, None))
        self._exchanges[exchange.id] = exchange
        if self.lost_to is not None:
            exchange.fail(self.lost_to)
            return
        message: JsonObject = {"jsonrpc": "2.0", "id": exchange.id, "method": method}
        if params:
            message["params"] = params
        await self._channel.ask(message, exchange, client)

    def about_task(self, task: str, exchange: Exchange) -> None:
        """What the server asks about this task belongs to this exchange."""
        self._by_task[task] = exchange
        exchange.on_close.append(lambda: self._by_task.pop(task, None))

    def token_for(self, token: Json, exchange: Exchange) -> str | int:
        """The client's own token, unless another request of the session carries it already."""
        if isinstance(token, str | int) and token not in self._by_token:
            return token
        return f"request-{exchange.id}"

    def done(self, exchange: Exchange) -> None:
        self._exchanges.pop(exchange.id, None)
        exchange.close()

    async def cancel(self, exchange: Exchange, reason: str) -> None:
        """Tells the server to stop, if it can be told in time, and ends the exchange; never raises."""
        if self._exchanges.pop(exchange.id, None) is not None and self.lost_to is None:
            with contextlib.suppress(GatewayError, TimeoutError):
                async with asyncio.timeout(_CANCEL_SECONDS):
                    await self.notify("notifications/cancelled", {"requestId": exchange.id, "reason": reason})
        exchange.close()

    async def notify(self, method: str, params: JsonObject | None = None) -> None:
        message: JsonObject = {"jsonrpc": "2.0", "method": method}
        if params:
            message["params"] = params
        await self._channel.tell(message)

    async def answer(self, message: JsonObject) -> None:
        """A response to a request of the server."""
        await self._channel.tell(message)

    def refuse(self, message: JsonObject) -> None:
        """A request of the server that belongs to no call."""
        number = message.get("id")
        request_id = number if isinstance(number, str | int) else None
        self._later.start(self._channel.tell(error_message(request_id, INVALID_REQUEST, _ALONE)))

    @property
    def under_way(self) -> int:
        return len(self._exchanges)

    def heard(self, message: JsonObject, during: Exchange | None = None, size: int = 0) -> None:
        """A message that came; `during` the exchange whose own stream carried it."""
        if "method" not in message:
            self._response(message, during)
        elif message["method"] == "ping" and "id" in message:
            self._later.start(self._channel.tell({"jsonrpc": "2.0", "id": message["id"], "result": {}}))
        elif "id" in message:
            self._request(message, during, size)
        else:
            self._notification(message, during, size)

    def lost(self, error: Exception) -> None:
        self.lost_to = error
        for exchange in tuple(self._exchanges.values()):
            exchange.fail(error)
        self._on_lost()

    def interrupted(self) -> None:
        self._on_lost()

    async def close(self) -> None:
        await self._later.close()

    def _response(self, message: JsonObject, during: Exchange | None) -> None:
        number = message.get("id")
        exchange = self._exchanges.get(number) if isinstance(number, int) else None
        # A request refused before it was read is answered with the id null.
        exchange = exchange or (during if number is None else None)
        if exchange is not None:
            exchange.put(message)

    def _request(self, message: JsonObject, during: Exchange | None, size: int) -> None:
        task = object_at(message, "params", "_meta", _RELATED_TASK).get("taskId")
        exchange = during or (self._by_task.get(task) if isinstance(task, str) else None) or self._only()
        if exchange is not None:
            exchange.put(message, size)
            return
        self.refuse(message)

    def _notification(self, message: JsonObject, during: Exchange | None, size: int) -> None:
        method = message["method"]
        if method == "notifications/progress":
            token = object_at(message, "params").get("progressToken")
            exchange = self._by_token.get(token) if isinstance(token, str | int) else None
        elif (subscription := object_at(message, "params", "_meta").get(SUBSCRIPTION_KEY)) is not None:
            exchange = self._exchanges.get(subscription) if isinstance(subscription, int) else None
        elif isinstance(method, str) and (method.endswith("/list_changed") or method == "notifications/resources/updated"):
            exchange = None
        else:
            exchange = during or self._only()
        if exchange is not None:
            exchange.put(message, size)
        else:
            self._on_announcement(message)

    def _only(self) -> Exchange | None:
        return next(iter(self._exchanges.values())) if len(self._exchanges) == 1 else None
