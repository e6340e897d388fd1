"""The operations tools from settings: what they look at, what they remember, and the kit's generator and validator."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from mcp_gateway.adapters.deployment.own_pages import OwnHealth, OwnMetrics
from mcp_gateway.adapters.deployment.readers import Addresses
from mcp_gateway.adapters.deployment.tools import DeploymentTools, tools_of
from mcp_gateway.adapters.patterns_command import PatternsCommand
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.diagnostics.actions.remedies import remedies
from mcp_gateway.diagnostics.asking import Rights
from mcp_gateway.diagnostics.causes.ranking import find_causes
from mcp_gateway.diagnostics.health import HealthWatch
from mcp_gateway.diagnostics.history import SnapshotHistory
from mcp_gateway.diagnostics.operations import Operations, UseCase
from mcp_gateway.diagnostics.routers import GenerateRouter, ValidatePatterns
from mcp_gateway.diagnostics.sampling import INTERVAL_SECONDS, Sampler
from mcp_gateway.diagnostics.troubleshoot import Troubleshoot, judged
from mcp_gateway.kit.patterns.index import find_router
from mcp_gateway.kit.routes.generate import generate
from mcp_gateway.kit.routes.order import RouterOrder
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.following import repeat, running
from mcp_gateway.wiring.watched import NOTHING_NAMED, Watched

OPS: Final = "ops"
THIS_GATEWAY: Final = "this gateway"
OrderT = TypeVar("OrderT")


class _Found(Protocol):
    def to_dict(self) -> dict[str, Json]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnGateway:
    """The gateway that serves the tools: `page` renders its figures as Prometheus text, `health` checks its parts.

    `url` is where it answers itself, http://host:port.
    """

    page: Callable[[], str]
    health: HealthWatch
    url: str


@asynccontextmanager
async def open_operations(
    settings: Settings,
    *,
    clock: Clock,
    watched: Watched = NOTHING_NAMED,
    own: OwnGateway | None = None,
    keep: bool = False,
) -> AsyncIterator[Operations]:
    """`own` is looked at unless `watched` names another; `keep`: snapshots are kept in the background, to compare with.

    Raises `InvalidInput` and `InvalidStoreUrl` for addresses.
    """
    tools = looking_tools(settings, watched, clock, own)
    sampler = Sampler(observing=tools.observing, history=tools.observing.history, judge=judged, clock=clock)
    keeping = [repeat(sampler.keep, INTERVAL_SECONDS, "snapshot_not_kept", at_once=True)] if keep else []
    async with running(*keeping):
        yield Operations(
            diagnose_gateway_health=_told(tools.diagnose_health),
            analyze_cache_coherence=_told(tools.analyze_cache),
            generate_enterprise_router=GenerateRouter(generate=_generate),
            troubleshoot_production_issue=_told(_troubleshoot(tools)),
            test_ai_engine_integration=_told(tools.try_engine),
            analyze_performance_metrics=_told(tools.analyze_performance),
            validate_enterprise_patterns=ValidatePatterns(project=watched.project, find=find_router, judging=PatternsCommand()),
        )


def looking_tools(settings: Settings, watched: Watched, clock: Clock, own: OwnGateway | None) -> DeploymentTools:
    """What looks at the deployment, and the Redis of the settings. Nothing is connected yet. Raises as `open_operations`."""
    addresses = Addresses(
        gateway_url=watched.gateway_url or "",
        own_gateway_url="" if own is None else own.url,
        engine_url=watched.engine_url or "",
        gateway_token=watched.gateway_token or "",
        engine_token=watched.engine_token or "",
        redis_url="" if settings.redis_url is None else settings.redis_url.get_secret_value(),
    )
    itself = own if not addresses.gateway_url else None
    tools = tools_of(
        addresses,
        history=SnapshotHistory(),
        clock=clock,
        rights=Rights(sees_everybody=_sits_here, secret=secrets.token_bytes(16)),
        find_causes=lambda window: find_causes(window).standing,
        find_remedies=lambda cause, window: remedies(cause, window, addresses.checked()),
        more=() if itself is None else (OwnMetrics(page=itself.page, clock=clock), OwnHealth(watch=itself.health)),
    )
    if itself is None:
        return tools
    deployment = replace(tools.deployment, gateway_url=THIS_GATEWAY)
    return replace(tools, deployment=deployment, diagnose_health=replace(tools.diagnose_health, deployment=deployment))


def _sits_here(caller: Caller) -> bool:
    """Tenants' names are for whoever sits at this machine, and came with no credential; everybody else sees their own."""
    return caller == LOCAL_CALLER and not caller.credential


def _troubleshoot(tools: DeploymentTools) -> Troubleshoot:
    looking = tools.diagnose_health
    return Troubleshoot(
        observer=looking.observer,
        deployment=tools.deployment,
        rights=looking.rights,
        clock=looking.clock,
        history=tools.observing.history,
        limit_states=tools.limit_states,
    )


def _told(use_case: Callable[[Caller, OrderT], Awaitable[_Found]]) -> UseCase[OrderT]:
    """What it finds as JSON."""

    async def told(caller: Caller, order: OrderT) -> Mapping[str, Json]:
        return (await use_case(caller, order)).to_dict()

    return told


def _generate(order: RouterOrder) -> Mapping[str, Json]:
    return generate(order).to_dict()
