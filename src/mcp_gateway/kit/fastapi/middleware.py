"""The one middleware: it opens the passage, adds the headers of what was decided, and measures.

Plain ASGI, so streams stay streams. It decides nothing: that is the guard's, in the signature of each handler.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_gateway.core.errors import NotFound
from mcp_gateway.kit.fastapi.passage import PASSAGE, Face, Passage
from mcp_gateway.kit.fastapi.problems import problem_response
from mcp_gateway.kit.figures import Gauge, Histogram, Metric

REQUEST_SECONDS: Final = Metric(
    name="request_seconds",
    help="From the request to the end of its response; status 0 when nothing was sent",
    kind="histogram",
    labels=("operation", "status"),
)
TENANT_SECONDS: Final = Metric(
    name="tenant_request_seconds",
    help="From a guarded request to the end of its response, by tenant",
    kind="histogram",
    labels=("tenant",),
    # Fewer than elsewhere: there are many tenants.
    bounds=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
IN_FLIGHT: Final = Metric(name="requests_in_flight", help="Requests being answered now.", kind="gauge")
# Of so many tenants the instrument is remembered; for further ones it is looked up each time.
_MAX_TENANTS = 200
# What was not guarded is measured under this name.
UNGUARDED: Final = "unguarded"


class KitMiddleware:
    """`face` may be a function asked for each request, where the face is made in the application's lifespan."""

    def __init__(self, app: ASGIApp, *, face: Face | Callable[[], Face]) -> None:
        self._app = app
        self._face = face
        self._histograms: dict[tuple[str, int], Histogram] = {}
        self._tenants: dict[str, Histogram] = {}
        self._running = 0
        self._shown: Gauge | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].endswith("\n"):  # Starlette's patterns take it for the address without
            await problem_response(NotFound("There is no such address."))(scope, receive, send)
            return
        face = self._face if isinstance(self._face, Face) else self._face()
        passage = scope[PASSAGE] = Passage(face)
        monotonic = face.clock.monotonic
        begun = monotonic()
        self._count(face, 1)

        # Hands on what `send` returns instead of waiting for it: one coroutine less for every message.
        def with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                passage.status = message["status"]
                call = passage.call
                if call is not None and call.decision is not None:
                    fields = face.limit_headers.render(call.decision)
                    if not call.decision.allowed:  # the problem response carries the time to come back itself
                        fields = [field for field in fields if field[0] != b"retry-after"]
                    message["headers"] = [*message["headers"], *fields]
            return send(message)

        try:
            await self._app(scope, receive, with_headers)
        finally:
            self._count(face, -1)
            histogram = self._histograms.get((passage.operation, passage.status)) or self._histogram(passage)
            seconds = monotonic() - begun
            histogram.observe(seconds)
            if passage.call is not None:
                tenant = passage.call.tenant
                (self._tenants.get(tenant) or self._of_tenant(face, tenant)).observe(seconds)
            if passage.hold is not None:
                await passage.hold.__aexit__(None, None, None)

    def _count(self, face: Face, more: int) -> None:
        self._running += more
        if self._shown is None:
            self._shown = face.figures.gauge(IN_FLIGHT)
        self._shown.set(self._running)

    def _of_tenant(self, face: Face, tenant: str) -> Histogram:
        found = face.figures.histogram(TENANT_SECONDS, tenant=tenant)
        if isinstance(self._face, Face) and len(self._tenants) < _MAX_TENANTS:
            self._tenants[tenant] = found
        return found

    def _histogram(self, passage: Passage) -> Histogram:
        operation, status = passage.operation or UNGUARDED, str(passage.status)
        found = passage.face.figures.histogram(REQUEST_SECONDS, operation=operation, status=status)
        if isinstance(self._face, Face):
            self._histograms[passage.operation, passage.status] = found
        return found
