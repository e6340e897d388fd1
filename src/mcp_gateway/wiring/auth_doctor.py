"""The examination behind `mcp-gateway auth doctor`: what is written down about access, tried for real."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from mcp_gateway.access.errors import AccessFileUnreadable, PolicyInvalid
from mcp_gateway.access.examination.registration import ProviderOffer, registration_steps
from mcp_gateway.access.examination.step import Step, problem, unknown
from mcp_gateway.access.examination.token import read_token
from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.adapters.oidc.examine_gateway import examine_gateway
from mcp_gateway.adapters.oidc.examine_provider import examine_provider
from mcp_gateway.adapters.oidc.examine_token import examine_token
from mcp_gateway.adapters.oidc.openid import OpenIdProvider
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.settings import InvalidSettings, Settings
from mcp_gateway.wiring.access_file import read_written_access


@dataclass(frozen=True, kw_only=True, slots=True)
class Chapter:
    """The steps about one provider, or about what is not one; `title` names it."""

    title: str
    steps: tuple[Step, ...]

    @property
    def healthy(self) -> bool:
        return all(step.verdict != "problem" for step in self.steps)

    def to_dict(self) -> dict[str, Json]:
        return {"title": self.title, "healthy": self.healthy, "steps": [step.to_dict() for step in self.steps]}


async def examine_access(
    settings: Settings, clock: Clock, *, only: str | None = None, gateway_url: str = "", token: str | None = None
) -> tuple[Chapter, ...]:
    """`only` names one provider. Raises nothing: what is broken is a step. Takes seconds at most, the providers side by side."""
    try:
        said = read_written_access(settings).configuration
    except (PolicyInvalid, AccessFileUnreadable, InvalidSettings) as error:
        return (Chapter(title="configuration", steps=(problem("configuration", error.message, error.hint, "access file"),)),)
    providers = [OpenIdProvider(config, clock) for config in said.providers if only in (None, config.name)]
    if not providers:
        return (Chapter(title="configuration", steps=(_nobody(only, [config.name for config in said.providers]),)),)
    try:
        chapters = list(await asyncio.gather(*(_examine(provider, clock, gateway_url) for provider in providers)))
        if gateway_url:
            issuers = [provider.config.issuer for provider in providers]
            chapters.append(Chapter(title="gateway", steps=await examine_gateway(gateway_url, issuers)))
        if token is not None:
            chapters.append(await _examine_token(token, providers, clock))
        return tuple(chapters)
    finally:
        await asyncio.gather(*(provider.aclose() for provider in providers))


async def _examine(provider: OpenIdProvider, clock: Clock, gateway_url: str) -> Chapter:
    steps = await examine_provider(provider, clock)
    registration = registration_steps(provider.config, await _offer(provider), gateway_url)
    return Chapter(title=f"provider {provider.config.name}", steps=(*steps, *registration))


async def _offer(provider: OpenIdProvider) -> ProviderOffer | None:
    try:
        metadata = await provider.metadata()
    except ProviderUnusable:
        return None
    return ProviderOffer(
        authorizes=bool(metadata.authorization_endpoint and metadata.token_endpoint),
        challenges="S256" in metadata.challenge_methods,
        registers_clients=bool(metadata.registration_endpoint),
        accepts_client_documents=metadata.accepts_client_documents,
    )


async def _examine_token(token: str, providers: Sequence[OpenIdProvider], clock: Clock) -> Chapter:
    read = read_token(token)
    return Chapter(title="token", steps=await examine_token(token, read, providers, clock))


def _nobody(only: str | None, known: Sequence[str]) -> Step:
    if only is not None and known:
        return problem("configuration", f"There is no provider {only[:60]}.", f"Known: {', '.join(known)}.", "access file")
    said = "No provider is configured; tokens of this gateway's own are the only ones believed."
    return unknown(
        "configuration", said, "Write providers: in the file ACCESS_FILE names; docs/access/oidc.md shows how.", "access file"
    )
