"""The AI engine of the rig: answers chats after a while, has a shallow health page, and can be told to misbehave.

`python -m bench.faults.engine PORT`. `POST /flags` sets what is in `Flags`; a new process begins without any.
"""

import asyncio
import random
import sys
import time
from dataclasses import dataclass, fields

import uvicorn
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CHAT_SECONDS = 0.06


@dataclass(slots=True)
class Flags:
    """`delay`: seconds more for each chat. `errors`, `hangs`: shares of chats that get a 503, or no answer at all."""

    delay: float = 0.0
    errors: float = 0.0
    hangs: float = 0.0


class Engine:
    """One engine process."""

    def __init__(self) -> None:
        self._flags = Flags()
        self._begun = time.monotonic()
        self._registry = CollectorRegistry()
        self._seconds = Histogram("engine_request_seconds", "Own time of a request", ["route", "status"], registry=self._registry)
        self._running = Gauge("engine_requests_in_flight", "Being answered", registry=self._registry)
        self._random = random.Random(7)  # noqa: S311  # the same faults in each run

    def app(self) -> Starlette:
        routes = [
            Route("/health", self.health),
            Route("/flags", self.set_flags, methods=["POST"]),
            Route("/chat", self.chat, methods=["POST"]),
            Route("/metrics", self.metrics),
        ]
        return Starlette(routes=routes)

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "healthy", "uptime_seconds": time.monotonic() - self._begun})

    async def set_flags(self, request: Request) -> Response:
        told = await request.json()
        self._flags = Flags(**{field.name: told.get(field.name, field.default) for field in fields(Flags)})
        return JSONResponse({"ok": True})

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        begun, status = time.monotonic(), 0
        self._running.inc()
        try:
            if self._random.random() < self._flags.hangs:
                await asyncio.sleep(600)
            await asyncio.sleep(CHAT_SECONDS + self._flags.delay)
            status = 503 if self._random.random() < self._flags.errors else 200
            reply = {"reply": f"You said: {str(body.get('message', ''))[:80]}"} if status == 200 else {"error": "overloaded"}
            return JSONResponse(reply, status_code=status)
        finally:
            self._running.dec()
            self._seconds.labels(route="/chat", status=str(status)).observe(time.monotonic() - begun)

    async def metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type="text/plain; version=0.0.4")


if __name__ == "__main__":
    uvicorn.run(Engine().app(), port=int(sys.argv[1]), log_level="error", access_log=False, timeout_graceful_shutdown=1)
