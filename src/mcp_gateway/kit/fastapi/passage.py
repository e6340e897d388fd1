"""One request on its way through the kit: what the middleware, the guard and the handler know of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from starlette.requests import Request

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.figures import NO_FIGURES, Figures
from mcp_gateway.kit.limits.concurrency import Hold
from mcp_gateway.kit.limits.headers import LimitHeaders
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.model import Decision
from mcp_gateway.kit.resilience.deadline import Deadlines
from mcp_gateway.kit.resilience.idempotency.once import Idempotency

# Where the passage lies in the ASGI scope.
PASSAGE: Final = "kit.passage"

# Says who sends a request, from what was authenticated, never from a header that anybody may write. Raises what refuses it.
CallerProvider: TypeAlias = Callable[[Request], Awaitable[Caller]]


_SYSTEM_CLOCK = SystemClock()
_DRAFT_HEADERS = LimitHeaders()


@dataclass(frozen=True, kw_only=True, slots=True)
class Face:
    """What the routes of one application are guarded with.

    `limiter` None: nobody is limited. `limit_headers`: which fields tell of limits. `idempotency`: for guards that ask for it.
    `deadlines`: holds each request on a `GuardedRoute` to its guard's time and to `X-Deadline-Ms`. `spans`: write to the
    request's OpenTelemetry span.
    """

    caller: CallerProvider
    limiter: EnterpriseRateLimiter | None = None
    figures: Figures = NO_FIGURES
    clock: Clock = _SYSTEM_CLOCK
    limit_headers: LimitHeaders = _DRAFT_HEADERS
    idempotency: Idempotency | None = None
    deadlines: Deadlines | None = None
    spans: bool = False


class Call:
    """What a guarded handler is given. `decision` is the limiter's; None without a limiter."""

    __slots__ = ("caller", "decision", "operation")

    def __init__(self, caller: Caller, operation: str) -> None:
        self.caller, self.operation = caller, operation
        self.decision: Decision | None = None

    @property
    def tenant(self) -> str:
        return self.caller.tenant


class Passage:
    """`call` is None until a guard was reached; `operation` is empty until then. `hold` is given back when the response ended."""

    __slots__ = ("call", "face", "hold", "operation", "status")

    def __init__(self, face: Face) -> None:
        self.face = face
        self.operation = ""
        self.call: Call | None = None
        self.hold: Hold | None = None
        self.status = 0
