"""The authorization server for programs, put together over the stores that access has anyway."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_gateway.access.access import Access
from mcp_gateway.access.oauth.clients import ClientDocuments, Clients
from mcp_gateway.access.oauth.consents import Consents
from mcp_gateway.access.oauth.desk import OAuthDesk
from mcp_gateway.access.oauth.exchange import Exchange
from mcp_gateway.access.oauth.grants import Grants
from mcp_gateway.access.oauth.seals import Seals
from mcp_gateway.access.sessions.ports import LoginProvider, SessionStore
from mcp_gateway.access.tokens.revocations import Revocations
from mcp_gateway.core.clock import Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class OAuthParts:
    """What the desk needs beside access. `lasts_seconds`: how long somebody's login in a program lasts at most."""

    store: SessionStore
    documents: ClientDocuments
    revocations: Revocations
    new_secret: Callable[[], str]
    lasts_seconds: float


def serves_programs(providers: Sequence[LoginProvider]) -> bool:
    """Whether programs log in here: with nothing configured, and where people can be sent to a provider from here."""
    return not providers or any(one.signs_in for one in providers)


def make_oauth_desk(key: Ed25519PrivateKey, access: Access, parts: OAuthParts, clock: Clock) -> OAuthDesk:
    """`key` signs tokens; what is sealed here has a key of its own, made from it."""
    seals = Seals(blake2b(key.private_bytes_raw(), person=b"oauth-seals", digest_size=32).digest(), clock)
    grants = Grants(parts.store, clock, parts.new_secret)
    return OAuthDesk(
        Clients(parts.documents, seals, clock),
        Consents(parts.store, seals, clock),
        grants,
        Exchange(grants, access.tokens, access.authenticate, parts.revocations, access.governor, clock),
        access.governor,
        clock,
        policy=lambda: access.policy.current,
        lasts_seconds=parts.lasts_seconds,
    )
