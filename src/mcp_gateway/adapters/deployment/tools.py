"""The four tools that look at a deployment, made from its addresses: what wiring needs and nothing more.

tools = tools_of(addresses, history=history, clock=clock, rights=rights, find_causes=…, find_remedies=…)
found = await tools.diagnose_health(caller, HealthOrder())        # typed; `found.to_dict()` is the shape of the specification
"""

from dataclasses import dataclass

from mcp_gateway.adapters.deployment.cache_store import RedisCacheStore
from mcp_gateway.adapters.deployment.cache_trial import RedisCacheTrial
from mcp_gateway.adapters.deployment.engine_line import HttpEngineLine
from mcp_gateway.adapters.deployment.http import Fetcher
from mcp_gateway.adapters.deployment.limit_states import RedisLimitStates
from mcp_gateway.adapters.deployment.readers import Addresses, observing_of
from mcp_gateway.core.clock import Clock
from mcp_gateway.diagnostics.asking import Rights
from mcp_gateway.diagnostics.caching.analyze import AnalyzeCache
from mcp_gateway.diagnostics.diagnose_health import DiagnoseHealth, FindCauses, FindRemedies
from mcp_gateway.diagnostics.integration.trial import TryEngine
from mcp_gateway.diagnostics.observing import PAUSE_SECONDS, Observing
from mcp_gateway.diagnostics.performance.analyze import AnalyzePerformance
from mcp_gateway.diagnostics.ports import Deployment, History, LimitStates, Source


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploymentTools:
    """`observing` is for whoever keeps snapshots, and for further tools over the same deployment."""

    deployment: Deployment
    observing: Observing
    diagnose_health: DiagnoseHealth
    analyze_cache: AnalyzeCache
    analyze_performance: AnalyzePerformance
    try_engine: TryEngine
    limit_states: LimitStates | None


def tools_of(
    addresses: Addresses,
    *,
    history: History,
    clock: Clock,
    rights: Rights,
    find_causes: FindCauses,
    find_remedies: FindRemedies = lambda _, __: (),
    more: tuple[Source, ...] = (),
    pause_seconds: float = PAUSE_SECONDS,
) -> DeploymentTools:
    """`more`: sources in this process. Nothing is connected yet. Raises `InvalidInput` and `InvalidStoreUrl`."""
    deployment = addresses.checked()
    observing = observing_of(addresses, history=history, clock=clock, more=more, pause_seconds=pause_seconds)
    redis = addresses.redis_url
    return DeploymentTools(
        deployment=deployment,
        observing=observing,
        diagnose_health=DiagnoseHealth(
            observer=observing,
            deployment=deployment,
            rights=rights,
            clock=clock,
            find_causes=find_causes,
            find_remedies=find_remedies,
        ),
        analyze_cache=AnalyzeCache(
            observer=observing,
            store=RedisCacheStore(url=redis, clock=clock) if redis else None,
            rights=rights,
            clock=clock,
        ),
        analyze_performance=AnalyzePerformance(observer=observing, history=history, rights=rights, clock=clock),
        try_engine=TryEngine(
            line=_engine_line(deployment, addresses, clock) if deployment.engine_url else None,
            cache=RedisCacheTrial(url=redis, clock=clock) if redis else None,
            rights=rights,
            clock=clock,
        ),
        limit_states=RedisLimitStates(url=redis) if redis else None,
    )


def _engine_line(deployment: Deployment, addresses: Addresses, clock: Clock) -> HttpEngineLine:
    return HttpEngineLine(
        engine=deployment.engine_url,
        gateway=deployment.gateway_url or addresses.own_gateway_url,
        engine_fetcher=Fetcher(clock=clock, headers=_bearer(addresses.engine_token)),
        gateway_fetcher=Fetcher(clock=clock, headers=_bearer(addresses.gateway_token)),
    )


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
