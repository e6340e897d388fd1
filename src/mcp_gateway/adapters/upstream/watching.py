"""Being told of changes: `subscriptions/listen` of 2026-07-28, `resources/subscribe` before it.

Before 2026-07-28 over Streamable HTTP notifications come on a stream the SDK opens by itself and gives up silently, so a server
of that kind vouches for nothing: there the answer is "cannot". On SSE and stdio the stream is the connection itself.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import structlog
from mcp.client.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPError
from mcp.types import (
    EmptyResult,
    ResourceListChangedNotification,
    ResourceUpdatedNotification,
    SubscribeRequest,
    SubscribeRequestParams,
)
from pydantic import ValidationError

from mcp_gateway.adapters.upstream.connection import Connection, innermost

log = structlog.get_logger(__name__)


class Watch:
    """One watch over some resources; `end` stops it without a word, any other end calls `on_end` once."""

    def __init__(self, server: str, on_change: Callable[[str], None], on_end: Callable[[], None]) -> None:
        self._server, self._on_change, self._on_end = server, on_change, on_end
        self._task: asyncio.Task[None] | None = None
        self._live = self._modern = False

    async def begin(self, connection: Connection, uris: Sequence[str], *, modern: bool) -> bool:
        """False when the server cannot, or refuses."""
        self._modern = modern
        if modern:
            ready: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._listen(connection, uris, ready), name="mcp-watch")
            self._live = await asyncio.shield(ready)
        else:
            self._live = await _subscribe(connection, uris)
            if self._live:
                self._task = asyncio.create_task(self._outlive(connection), name="mcp-watch")
        return self._live

    def notify(self, message: object) -> None:
        """A notification of the older revisions, from the connection."""
        if not self._live or self._modern:
            return
        if isinstance(message, ResourceUpdatedNotification):
            self._on_change(message.params.uri)
        elif isinstance(message, ResourceListChangedNotification):
            self._on_change("")

    async def end(self) -> None:
        self._live = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=1.0)
            self._task = None

    async def _listen(self, connection: Connection, uris: Sequence[str], ready: asyncio.Future[bool]) -> None:
        reason = "closed"
        try:
            async with connection.client.listen(resources_list_changed=True, resource_subscriptions=uris) as subscription:
                honored = set(uris) <= set(subscription.honored.resource_subscriptions or ())
                ready.set_result(honored)
                if not honored:
                    return
                async for event in subscription:
                    self._on_change(event.uri if isinstance(event, ResourceUpdated) else "")
        except Exception as error:  # noqa: BLE001  # the wall of this task: however it broke, the copies must go
            reason = type(innermost(error)).__name__
        finally:
            if not ready.done():
                ready.set_result(False)
            self._broken(reason)

    async def _outlive(self, connection: Connection) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await connection.ended()
            self._broken("closed")

    def _broken(self, reason: str) -> None:
        if self._live:
            self._live = False
            log.info("resource_watch_broken", server=self._server, reason=reason)
            self._on_end()


async def _subscribe(connection: Connection, uris: Sequence[str]) -> bool:
    capabilities = connection.session.server_capabilities
    if capabilities is None or capabilities.resources is None or not capabilities.resources.subscribe:
        return False
    try:
        for uri in uris:
            request = SubscribeRequest(params=SubscribeRequestParams(uri=uri))
            await connection.session.send_request(request, EmptyResult)
    except (MCPError, ValidationError):
        return False
    return True
