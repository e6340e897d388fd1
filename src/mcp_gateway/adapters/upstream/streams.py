"""A transport that tells when the server's side of it ends; the SDK's session keeps that to itself."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import Context
from types import TracebackType
from typing import TypeAlias

from mcp.client._transport import ReadStream, TransportStreams  # no public name; the Client's own parameter type
from mcp.shared.message import SessionMessage

Item: TypeAlias = SessionMessage | Exception


@asynccontextmanager
async def telling_its_end(
    transport: AbstractAsyncContextManager[TransportStreams], on_end: Callable[[], None]
) -> AsyncIterator[TransportStreams]:
    """The same streams; `on_end` is called once nothing more will come from the server."""
    async with transport as (reader, writer):
        yield _EndingStream(reader, on_end), writer


class _EndingStream:
    def __init__(self, inner: ReadStream[Item], on_end: Callable[[], None]) -> None:
        self._inner, self._on_end = inner, on_end

    @property
    def last_context(self) -> Context | None:
        """The sender's context of the last item, which the SDK looks for."""
        context: Context | None = getattr(self._inner, "last_context", None)
        return context

    async def receive(self) -> Item:
        return await self._inner.receive()

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> "_EndingStream":
        return self

    async def __anext__(self) -> Item:
        try:
            return await self._inner.__anext__()
        except BaseException:
            self._on_end()
            raise

    async def __aenter__(self) -> "_EndingStream":
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> bool | None:
        return await self._inner.__aexit__(exc_type, exc_val, exc_tb)
