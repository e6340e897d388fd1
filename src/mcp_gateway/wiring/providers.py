"""The login providers: opened, kept supplied with keys, reported on, closed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Final

from mcp_gateway.access.configuration.providers import ProviderConfig
from mcp_gateway.access.sessions.ports import LoginProvider
from mcp_gateway.adapters.oidc.login import OpenIdLogin
from mcp_gateway.adapters.oidc.openid import OpenIdProvider, ProviderProbe
from mcp_gateway.core.clock import Clock
from mcp_gateway.diagnostics.ports import Probe
from mcp_gateway.wiring.following import repeat, running

# How often it is looked whether keys are about to end; while a provider is away, how often it is tried.
KEEP_SECONDS: Final = 30.0


@asynccontextmanager
async def open_providers(
    configs: Sequence[ProviderConfig], clock: Clock, new_secret: Callable[[], str], *, kept: bool
) -> AsyncIterator[tuple[OpenIdLogin, ...]]:
    """A provider that is away keeps nothing from opening: its tokens are refused until it answers.

    `kept`: their keys are fetched now and renewed in time; otherwise no provider is asked before a token or a login needs it.
    """
    logins = tuple(OpenIdLogin(OpenIdProvider(config, clock), clock, new_secret) for config in configs)
    keepers = [_keeper(login.provider) for login in logins if kept]
    try:
        async with running(*keepers):
            yield logins
    finally:
        await asyncio.gather(*(login.provider.aclose() for login in logins))


def provider_probes(providers: Sequence[LoginProvider]) -> tuple[Probe, ...]:
    return tuple(ProviderProbe(one.provider) for one in providers if isinstance(one, OpenIdLogin))


def _keeper(provider: OpenIdProvider) -> Coroutine[object, object, None]:
    """Keys are there before the first token needs them, and withdrawn ones are noticed."""
    return repeat(provider.keys.warm, KEEP_SECONDS, "provider_not_kept", at_once=True, provider=provider.config.name)
