"""Tokens without a running gateway: the key and the store, for the commands."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp_gateway.access.tokens.desk import TokenDesk
from mcp_gateway.access.tokens.embedded import EmbeddedIssuer
from mcp_gateway.access.tokens.revocations import Revocations
from mcp_gateway.adapters.key_file import open_signing_key
from mcp_gateway.adapters.sql.tokens import SqlIssuedTokens, SqlRevocations
from mcp_gateway.core.clock import Clock
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.store import open_own_store


def open_embedded_issuer(settings: Settings, clock: Clock) -> EmbeddedIssuer:
    """The issuer of this installation, its key made when there is none. Raises `KeyFileRefused`."""
    return EmbeddedIssuer(open_signing_key(settings.state_dir), clock, new_token_id)


def new_token_id() -> str:
    """Short enough to be typed after `tokens revoke`, and not to be guessed."""
    return secrets.token_hex(8)


@asynccontextmanager
async def open_token_desk(settings: Settings, clock: Clock) -> AsyncIterator[TokenDesk]:
    """Raises `KeyFileRefused`, `InvalidStoreUrl`, `StoreUnavailable`. A running gateway sees what is changed within a second."""
    issuer = open_embedded_issuer(settings, clock)
    async with open_own_store(settings) as engine:
        revocations = Revocations(SqlRevocations(engine), clock)
        await revocations.reload()
        yield TokenDesk(
            issuer,
            SqlIssuedTokens(engine),
            revocations,
            clock,
            longest_lifetime_seconds=issuer.longest_lifetime_seconds,
        )
