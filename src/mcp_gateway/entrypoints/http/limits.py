"""Where a caller stands with their own limits. Looking charges the operation `api.limits`, and none of those it tells of."""

import asyncio

from fastapi import APIRouter
from pydantic import Field

from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.http.guards import LIMITED, LimitsRead
from mcp_gateway.entrypoints.http.models import Shape
from mcp_gateway.gateway import Gateway
from mcp_gateway.kit.fastapi import GuardedRoute
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.model import Explanation, RuleState


class LimitShape(Shape):
    """One limit: at most `limit` in any `window_seconds`, shared by everybody in its scope."""

    name: str
    scope: str = Field(description="Who shares it: caller or tenant")
    window_seconds: float
    limit: int = Field(description="Units at once")
    used: int
    remaining: int
    reset_seconds: float = Field(description="Until all of it is back, if nobody calls")


class PlacesShape(Shape):
    """How many calls may be under way at the same time."""

    name: str
    scope: str
    limit: int
    held: int | None = Field(description="Under way now; null when that is not known")


class OperationShape(Shape):
    """One operation and what holds it. Every limit must have room for a call's `cost`."""

    operation: str
    cost: int = Field(description="Units one call takes")
    limits: list[LimitShape]
    at_once: list[PlacesShape]
    refused_seconds: float = Field(description="Refused without asking for so long; 0: not")


class LimitsShape(Shape):
    """`revision` is that of the stored rules, 0 without any."""

    tenant: str
    subject: str
    revision: int
    operations: list[OperationShape]


def limit_routes(gateway: Gateway) -> APIRouter:
    """GET /limits."""
    router = APIRouter(prefix="/api", tags=["limits"], route_class=GuardedRoute)

    @router.get("/limits", summary="Your limits: what is used, what remains, and when it is back")
    async def limits(call: LimitsRead) -> LimitsShape:
        return await shape_limits(gateway.limiter, call.caller)

    return router


async def shape_limits(limiter: EnterpriseRateLimiter | None, caller: Caller) -> LimitsShape:
    """Every limited operation of this API. Raises `StoreUnavailable` or `StoreRefused`: figures are not guessed."""
    if limiter is None:
        return LimitsShape(tenant=caller.tenant, subject=caller.subject, revision=0, operations=[])
    told = await asyncio.gather(*(limiter.explain(caller, operation) for operation in LIMITED))
    return LimitsShape(
        tenant=caller.tenant,
        subject=caller.subject,
        revision=limiter.rules.revision,
        operations=[_operation(one) for one in told],
    )


def _operation(told: Explanation) -> OperationShape:
    """Without what is only tried out, and without what everybody shares: its figures are other tenants' traffic."""
    return OperationShape(
        operation=told.operation,
        cost=told.weight,
        limits=[_limit(state) for state in told.rules if state.rule.shown and not state.rule.shadow],
        at_once=[
            PlacesShape(name=state.rule.name, scope=state.rule.scope, limit=state.rule.limit, held=state.held)
            for state in told.concurrency
            if state.rule.scope != "global"
        ],
        refused_seconds=told.refused_here_seconds,
    )


def _limit(state: RuleState) -> LimitShape:
    return LimitShape(
        name=state.rule.name,
        scope=state.rule.scope,
        window_seconds=state.rule.window_seconds,
        limit=state.limit,
        used=state.used or 0,
        remaining=state.remaining or 0,
        reset_seconds=state.reset_seconds,
    )
