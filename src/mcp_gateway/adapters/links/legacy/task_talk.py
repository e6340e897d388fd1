"""What a server asks about a task that cannot go on by itself: it says so in answer to a request for the task's result."""

import asyncio
import contextlib

from mcp_gateway.adapters.links.legacy.asking import Question, question_of, refusal_of, response_to
from mcp_gateway.adapters.links.legacy.channel import SessionForgotten
from mcp_gateway.adapters.links.legacy.session import Session
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.model import Client


class TaskTalk:
    """Goes on until the server gives the result, which is kept in `outcome`. `broken`: it ended without."""

    def __init__(self, session: Session, task: str, client: Client) -> None:
        self._session, self._task, self._client = session, task, client
        self._exchange = session.peer.exchange()
        self._open: dict[str, Question] = {}
        self._asked = 0
        self._heard = asyncio.Event()
        self.outcome: JsonObject | None = None
        self.broken = False
        session.peer.about_task(task, self._exchange)
        self._reading = asyncio.get_running_loop().create_task(self._read())

    async def questions(self, seconds: float) -> JsonObject:
        """Those that are open; waits so long for one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        return {key: question.request for key, question in self._open.items()}

    async def answer(self, given: JsonObject) -> None:
        """Hands on what answers an open question; anything else is passed over, and asked for again."""
        for key, question in tuple(self._open.items()):
            response = response_to(question, given[key]) if key in given else None
            if response is not None:
                del self._open[key]
                await self._session.peer.answer(response)
        if not self._open:
            self._heard.clear()

    def close(self) -> None:
        self._reading.cancel()

    async def _read(self) -> None:
        peer = self._session.peer
        try:
            await peer.ask(self._exchange, "tasks/result", {"taskId": self._task}, self._client)
            while "method" in (message := await self._exchange.next()):
                if "id" in message:
                    await self._take(message)
            self.outcome = message
        except (GatewayError, SessionForgotten):
            self.broken = True
        finally:
            self._heard.set()
            peer.done(self._exchange)

    async def _take(self, message: JsonObject) -> None:
        question = question_of(message)
        if question is None:
            return
        refusal = refusal_of(question, self._client.capabilities)
        if refusal is not None:
            await self._session.peer.answer(refusal)
            return
        self._asked += 1
        self._open[f"question-{self._asked}"] = question
        self._heard.set()
