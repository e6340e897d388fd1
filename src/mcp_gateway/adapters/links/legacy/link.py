"""The link to a server of an older era: a request of 2026-07-28 in, an answer of 2026-07-28 out."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.legacy.calls import Call, whole
from mcp_gateway.adapters.links.legacy.channel import SessionForgotten
from mcp_gateway.adapters.links.legacy.exchange import Exchange
from mcp_gateway.adapters.links.legacy.parked import ParkedCalls
from mcp_gateway.adapters.links.legacy.session import Session
from mcp_gateway.adapters.links.legacy.sessions import SessionPool
from mcp_gateway.adapters.links.legacy.tasks import METHODS, Tasks
from mcp_gateway.adapters.links.legacy.translate import SAME, discovered
from mcp_gateway.adapters.links.legacy.watching import LegacyWatch
from mcp_gateway.adapters.links.listening import Listening
from mcp_gateway.core.protocol.frames import JsonObject, error_message, object_at, render, result_message
from mcp_gateway.core.protocol.words import HTTP_STATUS_OF, INVALID_PARAMS, METHOD_NOT_FOUND
from mcp_gateway.federation.model import Change, Client, Reply, Request, UpstreamFacts
from mcp_gateway.federation.ports import Watch


class LegacyLink:
    """Beyond the port's errors it raises `SpeaksOtherwise` when the server has given up handshakes; nothing was run then."""

    def __init__(
        self,
        pool: SessionPool,
        parked: ParkedCalls,
        faults: Faults,
        *,
        seconds: float,
        closing: Callable[[], Awaitable[None]] | None = None,
        for_both_eras: bool = False,
    ) -> None:
        """`closing` is awaited last when the link is closed. `for_both_eras`: a session may turn out to speak 2026-07-28."""
        self._pool, self._parked, self._faults, self._seconds = pool, parked, faults, seconds
        self._closing, self._for_both_eras = closing, for_both_eras
        self._tasks = Tasks()
        self._active = 0

    @property
    def name(self) -> str:
        return self._faults.server

    @property
    def active(self) -> int:
        """How many calls are under way or wait for their client."""
        return self._active

    async def facts(self, client: Client) -> UpstreamFacts:
        session = await self._pool.hold(client)
        self._pool.release(session)
        return session.facts

    async def send(self, request: Request) -> Reply:
        if self._for_both_eras and await self._is_modern(request.client):
            return await self._call(request)
        if request.method == "server/discover":
            facts = await self.facts(request.client)
            return Reply(body=render(result_message(request.id, discovered(facts))))
        if request.method in METHODS:
            return await self._about_task(request)
        if request.method not in SAME:
            message = error_message(request.id, METHOD_NOT_FOUND, f"The server knows no {request.method}.")
            return Reply(status=HTTP_STATUS_OF[METHOD_NOT_FOUND], body=render(message))
        state = request.params.get("requestState")
        if isinstance(state, str):
            return await self._parked.resume(state, request, self.name, seconds=self._seconds)
        try:
            return await self._call(request)
        except SessionForgotten:
            pass
        try:
            return await self._call(request)
        except SessionForgotten as error:
            raise self._faults.misbehaved("forgets the session it has just opened") from error

    async def watch(self, client: Client, on_change: Callable[[Change], None]) -> Watch:
        if self._for_both_eras and await self._is_modern(client):
            return Listening(self.name, self.send, client, on_change, seconds=self._seconds, ended=lambda _: None)
        return LegacyWatch(self._pool, client, on_change, self._faults)

    async def close(self) -> None:
        self._tasks.close()
        await self._pool.close()
        if self._closing is not None:
            await self._closing()

    async def _is_modern(self, client: Client) -> bool:
        session = await self._pool.hold(client)
        self._pool.release(session)
        return session.modern

    async def _about_task(self, request: Request) -> Reply:
        session = await self._pool.hold(request.client)
        try:
            async with asyncio.timeout(self._seconds):
                return whole(await self._tasks.answer(request, session))
        except TimeoutError as error:
            raise self._faults.timed_out(self._seconds) from error
        except SessionForgotten:
            self._pool.forget(session)
            return whole(error_message(request.id, INVALID_PARAMS, "Unknown task", {"taskId": request.name}))
        finally:
            self._pool.release(session)

    async def _call(self, request: Request) -> Reply:
        session = await self._pool.hold(request.client)
        as_task = self._tasks.needed(request, session)
        refusal = self._tasks.refusal(request) if as_task else None
        if refusal is not None:
            self._pool.release(session)
            return whole(refusal)
        sent = replace(request, params=self._tasks.asked_for(request.params)) if as_task else request
        try:
            call = Call(
                session,
                await self._begun(session, sent),
                parked=self._parked,
                faults=self._faults,
                seconds=self._seconds,
                release=lambda: self._release(session),
                seen=self._seen(request, session, as_task=as_task),
            )
            return await call.reply(request)
        except SessionForgotten:
            self._pool.forget(session)
            raise

    async def _begun(self, session: Session, sent: Request) -> Exchange:
        """The session is let go again unless the request was begun."""
        self._active += 1
        exchange: Exchange | None = None
        try:
            async with asyncio.timeout(self._seconds):
                exchange = await session.begin(sent)
        except TimeoutError as error:
            raise self._faults.timed_out(self._seconds) from error
        finally:
            if exchange is None:
                self._release(session)
        return exchange

    def _seen(self, request: Request, session: Session, *, as_task: bool) -> Callable[[JsonObject], JsonObject]:
        def begun(message: JsonObject) -> JsonObject:
            return self._tasks.begun(session, message, lambda: self._held(session))

        def listed(message: JsonObject) -> JsonObject:
            self._tasks.learn(object_at(message, "result").get("tools"))
            return message

        def same(message: JsonObject) -> JsonObject:
            return message

        return begun if as_task else listed if request.method == "tools/list" else same

    def _held(self, session: Session) -> Callable[[], None]:
        session.holders += 1
        return lambda: self._pool.release(session)

    def _release(self, session: Session) -> None:
        self._active -= 1
        self._pool.release(session)
