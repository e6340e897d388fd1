"""A question answered as server-sent events: `step` events while it happens, then one `answer` or `error`.

Each step comes twice, `phase` "start" and "end". A comment line goes out every few seconds, so that proxies and the page know
that somebody is at work. When the client leaves, the question is cancelled.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import structlog
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from mcp_gateway.ask.model import Step
from mcp_gateway.ask.ports import ProgressListener
from mcp_gateway.core.errors import GatewayError, Internal
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.entrypoints.http.errors import correlation_id_of
from mcp_gateway.entrypoints.http.models import ChatResponse
from mcp_gateway.entrypoints.http.presence import wait_for_leaving
from mcp_gateway.entrypoints.http.replies import Replies
from mcp_gateway.entrypoints.http.shaping import shape_step

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 10.0
HEARTBEAT = ": still working\n\n"

AnswerWork: TypeAlias = Callable[[ProgressListener], Awaitable[ChatResponse]]


class AnswerStream(StreamingResponse):
    """Runs `work` and sends what it tells; ends with the work, and ends the work with itself."""

    def __init__(
        self, request: Request, work: AnswerWork, *, replies: Replies, heartbeat_seconds: float = HEARTBEAT_SECONDS
    ) -> None:
        self._request = request
        self._work = work
        self._replies = replies
        self._heartbeat_seconds = heartbeat_seconds
        self._events: asyncio.Queue[str | None] = asyncio.Queue()
        super().__init__(
            self._lines(),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answering = asyncio.create_task(self._answer())
        sending = asyncio.create_task(self.stream_response(send))
        leaving = asyncio.create_task(wait_for_leaving(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_tasks(answering, sending, leaving)

    async def _answer(self) -> None:
        try:
            response = await self._work(self._tell)
            self._events.put_nowait(event("answer", response))
        except GatewayError as error:
            self._put_failure(error)
        except Exception:
            log.exception("request_failed", path=self._request.scope["path"])
            self._put_failure(Internal())
        finally:
            self._events.put_nowait(None)

    async def _tell(self, step: Step) -> None:
        self._events.put_nowait(event("step", shape_step(step)))

    def _put_failure(self, error: GatewayError) -> None:
        log.info("request_refused", code=error.code, path=self._request.scope["path"])
        self._events.put_nowait(event("error", self._replies.failure(error, correlation_id=correlation_id_of(self._request))))

    async def _lines(self) -> AsyncIterator[str]:
        yield HEARTBEAT
        while True:
            try:
                async with asyncio.timeout(self._heartbeat_seconds):
                    line = await self._events.get()
            except TimeoutError:
                yield HEARTBEAT
                continue
            if line is None:
                return
            yield line


def event(name: str, content: BaseModel) -> str:
    """One event; JSON holds no line break, so one data line is enough."""
    return f"event: {name}\ndata: {content.model_dump_json()}\n\n"
