"""Filters this gateway does not know, those of extensions: handed on to the one server each concerns, in the client's own name.

Nothing of them is shared or folded together. When such a stream ends, so does the listener's, and the client listens anew.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, NamedTuple

import structlog

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object
from mcp_gateway.federation.errors import UpstreamMisbehaved
from mcp_gateway.federation.model import Client, Reply, Request
from mcp_gateway.federation.ports import Link
from mcp_gateway.federation.subscriptions.mailbox import Mailbox
from mcp_gateway.federation.subscriptions.messages import ACKNOWLEDGED
from mcp_gateway.federation.subscriptions.ports import ExtensionRoute

ACKNOWLEDGE_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


class Opened(NamedTuple):
    """A stream that was acknowledged. `honoured` is the subset, in the view's words."""

    route: ExtensionRoute
    reply: Reply
    events: AsyncIterator[bytes]
    honoured: JsonObject


class Extensions:
    """The streams of one listener."""

    __slots__ = ("_opened", "_tasks")

    def __init__(self, opened: Sequence[Opened]) -> None:
        self._opened = opened
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    @property
    def honoured(self) -> JsonObject:
        honoured: JsonObject = {}
        for one in self._opened:
            for key, value in one.honoured.items():
                before = honoured.get(key)
                honoured[key] = [*before, *value] if isinstance(before, list) and isinstance(value, list) else value
        return honoured

    def start(self, mailbox: Mailbox) -> None:
        """From now on what comes is put there."""
        self._tasks = tuple(asyncio.create_task(_forward(one, mailbox), name="extension") for one in self._opened)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()


async def open_extensions(
    routes: Sequence[ExtensionRoute], client: Client, link_of: Callable[[str], Link | None]
) -> Extensions | None:
    """Those that are acknowledged; None: no server honours any of it."""
    opened = [one for one in await asyncio.gather(*(_open(route, client, link_of) for route in routes)) if one is not None]
    return Extensions(opened) if opened else None


async def _open(route: ExtensionRoute, client: Client, link_of: Callable[[str], Link | None]) -> Opened | None:
    request = Request(id="listen", method="subscriptions/listen", params={"notifications": route.filter}, client=client)
    reply: Reply | None = None
    try:
        async with asyncio.timeout(ACKNOWLEDGE_SECONDS):
            link = link_of(route.server)
            if link is None:
                return None
            reply = await link.send(request)
            events, honoured = await _acknowledged(reply, route)
    except (GatewayError, TimeoutError, ValueError) as error:
        _log.info("extension_not_honoured", server=route.server, reason=type(error).__name__)
        if reply is not None:
            await reply.close()
        return None
    except asyncio.CancelledError:
        if reply is not None:
            await reply.close()
        raise
    return Opened(route, reply, events, route.acknowledge(honoured))


async def _acknowledged(reply: Reply, route: ExtensionRoute) -> tuple[AsyncIterator[bytes], JsonObject]:
    """The rest of the events, and what is honoured. Raises `UpstreamMisbehaved`, `ValueError` and what reading raises."""
    if reply.events is None:
        raise UpstreamMisbehaved(server=route.server)
    message = parse_object(await anext(reply.events, b""))
    if message.get("method") != ACKNOWLEDGED:
        raise UpstreamMisbehaved(server=route.server)
    honoured = object_at(message, "params", "notifications")
    return reply.events, {key: value for key, value in honoured.items() if key in route.filter}


async def _forward(opened: Opened, mailbox: Mailbox) -> None:
    try:
        async for event in opened.events:
            message = parse_object(event)
            method = message.get("method")
            if not isinstance(method, str):
                return
            mailbox.pass_on(method, opened.route.restore(object_at(message, "params")))
    except (GatewayError, ValueError) as error:
        _log.info("extension_interrupted", server=opened.route.server, reason=type(error).__name__)
    except Exception:  # noqa: BLE001  (the wall of a background task)
        _log.exception("extension_interrupted", server=opened.route.server)
    finally:
        mailbox.end()
        await opened.reply.close()
