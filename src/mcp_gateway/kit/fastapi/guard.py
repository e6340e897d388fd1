"""The one dependency: who is calling, and may this call go on.

It stands in the handler's signature, and nowhere else is anything decided:

    @router.get("/items")
    async def list_items(call: Annotated[Call, Depends(Guard("items.list"))]) -> list[Item]: ...

FastAPI resolves it like any dependency. On a router with `route_class=GuardedRoute` it is asked before the body is read and
costs a fraction of that (`route.py`); what it decides is the same.
"""

from typing import Literal, TypeAlias

from starlette.requests import Request

from mcp_gateway.core.errors import Internal
from mcp_gateway.kit.errors import InvalidPolicy
from mcp_gateway.kit.fastapi.passage import PASSAGE, Call, Passage
from mcp_gateway.kit.fastapi.spans import note_call
from mcp_gateway.kit.limits.limiter import refusal
from mcp_gateway.kit.limits.rules import Kind

IdempotencyUse: TypeAlias = Literal["optional", "required"]


class NotInstalled(Internal):
    """A guarded route was reached, and the kit's middleware was not passed."""

    code = "KIT_NOT_INSTALLED"
    hint = "Call `install(app, face)` from `mcp_gateway.kit.fastapi` where the application is made."


class Guard:
    """Holds one operation to its limits. Operations are names in rules, figures and spans: few, and fixed in the code.

    `cost`: what one call costs; None takes the operation's weight. `kind`: read or write, which decides what happens without the
    store; None follows the rules. `at_once`: also hold a place under the concurrency rules until the response has ended.

    Only on a `GuardedRoute`, and refused elsewhere: `idempotency`, whether an `Idempotency-Key` may or must come with the
    request; `deadline_seconds`, how long the handler may take. The face must have the part that each of them needs.
    """

    __slots__ = ("at_once", "cost", "deadline_seconds", "idempotency", "kind", "operation")

    def __init__(
        self,
        operation: str,
        *,
        cost: int | None = None,
        kind: Kind | None = None,
        at_once: bool = False,
        idempotency: IdempotencyUse | None = None,
        deadline_seconds: float | None = None,
    ) -> None:
        """Raises `InvalidPolicy`."""
        if not operation or (cost is not None and cost < 1) or (deadline_seconds is not None and deadline_seconds <= 0):
            raise InvalidPolicy("A guard has an operation, a cost of at least 1, and a deadline above 0.", operation=operation)
        self.operation, self.cost, self.kind, self.at_once = operation, cost, kind, at_once
        self.idempotency, self.deadline_seconds = idempotency, deadline_seconds

    async def __call__(self, request: Request) -> Call:
        """What FastAPI asks on an ordinary route; as `admit`."""
        if self.idempotency is not None or self.deadline_seconds is not None:
            raise NotInstalled(
                f"The guard of {self.operation} needs a GuardedRoute.", hint="Make the router with `route_class=GuardedRoute`."
            )
        return await self.admit(request)

    async def admit(self, request: Request) -> Call:
        """Raises what the caller provider raises, and `RateLimited`, `TooManyAtOnce`, `LimitsAway` or `CostAboveLimit`."""
        passage: Passage | None = request.scope.get(PASSAGE)
        if passage is None:
            raise NotInstalled
        passage.operation = self.operation
        face = passage.face
        caller = await face.caller(request)
        call = passage.call = Call(caller, self.operation)
        if face.limiter is None:
            if face.spans:
                note_call(call)
            return call
        decision = call.decision = await face.limiter.decide(caller, self.operation, cost=self.cost, kind=self.kind)
        if face.spans:
            note_call(call)
        if not decision.allowed:
            raise refusal(decision)
        if self.at_once:
            hold = face.limiter.hold(caller, self.operation, kind=self.kind)
            await hold.__aenter__()
            passage.hold = hold
        return call
