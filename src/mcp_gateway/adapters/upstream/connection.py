"""One open SDK client, owned by a task of its own: the SDK's scopes must be left by the task that entered them.

Requests may come from any task. When the transport dies, the owner ends and `alive` turns False; nothing here opens it again.
"""

import asyncio
import contextlib

from mcp.client.client import Client
from mcp.client.session import ClientSession, MessageHandlerFnT

from mcp_gateway.adapters.upstream.transports import OpenClient

# A child process that will not go is asked, told and killed, two seconds each; everything else ends at once.
CANCEL_SECONDS = 7.0


class Connection:
    """Use `Connection.open`, which gives out only connected ones."""

    client: Client
    protocol: str

    def __init__(self) -> None:
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._owner: asyncio.Task[None] | None = None
        self.failure: BaseException | None = None

    @classmethod
    async def open(cls, open_client: OpenClient, on_message: MessageHandlerFnT, *, timeout_seconds: float) -> "Connection":
        """Connect and agree on a protocol revision.

        Raises `TimeoutError`, or whatever stopped it: the innermost error of a group.
        """
        connection = cls()
        owner = asyncio.create_task(connection._own(open_client, on_message), name="mcp-connection")
        connection._owner = owner
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(_cancel, owner, within_seconds=CANCEL_SECONDS)
            async with asyncio.timeout(timeout_seconds):
                connection.client = await asyncio.shield(connection._ready)
                connection.protocol = connection.session.protocol_version or ""
            undo.pop_all()
        return connection

    @property
    def alive(self) -> bool:
        return self._owner is not None and not self._owner.done() and not self._stop.is_set()

    @property
    def session(self) -> ClientSession:
        return self.client.session

    async def ended(self) -> None:
        """Returns when the connection is no longer usable."""
        await self._stop.wait()

    async def settle(self, within_seconds: float) -> None:
        """Give a dying connection the time to be known as dead."""
        if self._owner is not None:
            await asyncio.wait({self._owner}, timeout=within_seconds)

    async def close(self, *, within_seconds: float) -> None:
        """Close in good order, then by force; never raises."""
        self._stop.set()
        if self._owner is not None:
            await asyncio.wait({self._owner}, timeout=within_seconds)
            await _cancel(self._owner, within_seconds=within_seconds)

    async def _own(self, open_client: OpenClient, on_message: MessageHandlerFnT) -> None:
        try:
            async with open_client(on_message, self._stop.set) as client:
                self._ready.set_result(client)
                await self._stop.wait()
        except Exception as error:  # noqa: BLE001  # the wall of this task: kept for whoever waits or asks next
            self.failure = innermost(error)
            if not self._ready.done():
                self._ready.set_exception(self.failure)
                # Taken by open(); when that has given up meanwhile, nobody is left to take it.
                self._ready.exception()
        finally:
            self._stop.set()


def innermost(error: BaseException) -> BaseException:
    """The first plain error inside nested groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _cancel(task: asyncio.Task[None], *, within_seconds: float) -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=within_seconds)
    if task.done():
        with contextlib.suppress(asyncio.CancelledError, Exception):
            task.result()
