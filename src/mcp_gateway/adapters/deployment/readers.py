"""All sources of one deployment, made from its addresses. Nothing is connected before something is read.

observing = observing_of(Addresses(gateway_url="http://…", redis_url="redis://…"), history=SnapshotHistory(), clock=clock)
window = await observing.observe(window_seconds=60)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mcp_gateway.adapters.deployment.http import Fetcher, checked_base
from mcp_gateway.adapters.deployment.key_set import KeySetSource
from mcp_gateway.adapters.deployment.mcp_servers import McpServersSource
from mcp_gateway.adapters.deployment.page_sources import HealthSource, MetricsSource, Part
from mcp_gateway.adapters.deployment.redis_sources import RedisFigures, RedisKeys
from mcp_gateway.core.clock import Clock
from mcp_gateway.diagnostics.observing import PAUSE_SECONDS, SOURCE_SECONDS, Observing
from mcp_gateway.diagnostics.ports import Deployment, History, Source
from mcp_gateway.kit.redis.address import read_address


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """Where a deployment is; empty is none. Passwords may stand in `redis_url` alone, and tokens in `gateway_token`.

    `gateway_url`: the gateway, or a balancer before it. `own_gateway_url`: where a gateway takes requests that reads its own
    pages. `replicas`: single gateways beside it; with these, the pages of each are read. `signing_keys_url`: the provider's
    `jwks_uri`. `mcp_servers`: address by name.
    """

    gateway_url: str = ""
    own_gateway_url: str = ""
    engine_url: str = ""
    redis_url: str = field(default="", repr=False)
    replicas: tuple[str, ...] = ()
    signing_keys_url: str = ""
    mcp_servers: Mapping[str, str] = field(default_factory=dict)
    gateway_token: str = field(default="", repr=False)
    engine_token: str = field(default="", repr=False)

    def checked(self) -> "Deployment":
        """As the use cases see it. Raises `InvalidInput` and `InvalidStoreUrl`, naming the setting and not its value."""
        return Deployment(
            gateway_url=checked_base(self.gateway_url, "BACKEND_ORCHESTRATOR_URL") if self.gateway_url else "",
            engine_url=checked_base(self.engine_url, "AI_ENGINE_URL") if self.engine_url else "",
            shown_redis=read_address(self.redis_url).shown if self.redis_url else "",
            signing_keys_url=checked_base(self.signing_keys_url, "the address of the signing keys")
            if self.signing_keys_url
            else "",
            replicas=tuple(checked_base(one, "the address of a replica") for one in self.replicas),
            mcp_servers={name: checked_base(url, f"the address of {name}") for name, url in self.mcp_servers.items()},
        )


def observing_of(
    addresses: Addresses,
    *,
    history: History,
    clock: Clock,
    more: tuple[Source, ...] = (),
    source_seconds: float = SOURCE_SECONDS,
    pause_seconds: float = PAUSE_SECONDS,
) -> Observing:
    """`more`: sources in this process, such as its own figures. Raises as `Addresses.checked`."""
    deployment = addresses.checked()
    always: list[Source] = [*more]
    once: list[Source] = []
    gateways = tuple(dict.fromkeys(one for one in (deployment.gateway_url, *deployment.replicas) if one))
    for base in gateways:
        always += _pages("gateway", base, addresses.gateway_token, clock)
    if deployment.engine_url:
        always += _pages("engine", deployment.engine_url, addresses.engine_token, clock)
    if addresses.redis_url:
        always.append(RedisFigures(url=addresses.redis_url, clock=clock))
        once.append(RedisKeys(url=addresses.redis_url, clock=clock))
    if deployment.signing_keys_url:
        always.append(KeySetSource(url=deployment.signing_keys_url, fetcher=Fetcher(clock=clock)))
    if deployment.mcp_servers:
        always.append(McpServersSource(servers=deployment.mcp_servers, fetcher=Fetcher(clock=clock)))
    return Observing(
        always=always, once=once, history=history, clock=clock, source_seconds=source_seconds, pause_seconds=pause_seconds
    )


def _pages(part: Part, base: str, token: str, clock: Clock) -> list[Source]:
    fetcher = Fetcher(clock=clock, headers={"Authorization": f"Bearer {token}"} if token else {})
    shown = base.partition("://")[2]
    return [
        HealthSource(name=f"{part} health {shown}", part=part, base=base, fetcher=fetcher),
        MetricsSource(name=f"{part} metrics {shown}", part=part, base=base, fetcher=fetcher),
    ]
