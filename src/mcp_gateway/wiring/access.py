"""Access from its settings: who is believed, what the policy says, where the trail is; followed while it is open."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import blake2b

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.access.access import Access
from mcp_gateway.access.audit.fingerprint import Digester
from mcp_gateway.access.audit.keeping import keep_trail
from mcp_gateway.access.audit.seals import Sealer
from mcp_gateway.access.data.rights import PolicyRights
from mcp_gateway.access.governor import Governor
from mcp_gateway.access.past_calls import PastCalls
from mcp_gateway.access.policy.desk import PolicyDesk, open_desk
from mcp_gateway.access.sessions.memory import MemorySessionStore
from mcp_gateway.access.sessions.ports import SessionStore
from mcp_gateway.access.sessions.sessions import Sessions, unless_revoked
from mcp_gateway.access.sessions.tickets import Tickets
from mcp_gateway.access.tokens.authenticate import Authenticate
from mcp_gateway.access.tokens.desk import TokenDesk
from mcp_gateway.access.tokens.embedded import EmbeddedIssuer
from mcp_gateway.access.tokens.revocations import Revocations
from mcp_gateway.access.tokens.verify import TokenVerifier
from mcp_gateway.adapters.key_file import KEY_NAME, open_signing_key
from mcp_gateway.adapters.oidc.client_documents import HttpClientDocuments
from mcp_gateway.adapters.redis_sessions import RedisSessionStore
from mcp_gateway.adapters.retired_keys import read_retired_keys
from mcp_gateway.adapters.sql.changes import SqlChanges
from mcp_gateway.adapters.sql.rules import SqlRules
from mcp_gateway.adapters.sql.tokens import SqlIssuedTokens, SqlRevocations
from mcp_gateway.core.clock import Clock
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.access_file import read_written_access
from mcp_gateway.wiring.audit import open_audit
from mcp_gateway.wiring.following import repeat, running
from mcp_gateway.wiring.oauth import OAuthParts, make_oauth_desk, serves_programs
from mcp_gateway.wiring.providers import open_providers
from mcp_gateway.wiring.tokens import new_token_id

# A change made on one replica is in force on all of them within a second.
FOLLOW_SECONDS = 0.4
# Without word from the store for so long nobody knows what was revoked, and no token is believed.
STALE_SECONDS = 30.0
# A login at the page that nobody uses ends.
LOGIN_IDLE = timedelta(hours=1)
# Whoever can write to the store but lacks the signing key can make anew what was added since the last seal, and no more.
KEEP_AUDIT_SECONDS = 300.0


@asynccontextmanager
async def open_access(
    settings: Settings, *, clock: Clock, engine: AsyncEngine, connection: RedisConnection | None, serving: bool = True
) -> AsyncIterator[Access]:
    """`engine` is the gateway's own store, `connection` the Redis that replicas share; None: each has sessions of its own.
    `serving` False is for one command: no provider is asked.

    Raises `KeyFileRefused`, `PolicyInvalid`, what is wrong with the access file, and `StoreUnavailable`.
    """
    first_start = not (settings.state_dir / KEY_NAME).exists()
    key = open_signing_key(settings.state_dir)
    issuer = EmbeddedIssuer(key, clock, new_token_id)
    written = read_written_access(settings)
    said = written.configuration
    async with AsyncExitStack() as stack:
        providers = await stack.enter_async_context(open_providers(said.providers, clock, _new_secret, kept=serving))
        revocations = Revocations(SqlRevocations(engine), clock, stale_after_seconds=STALE_SECONDS)
        await revocations.reload()
        policy = await open_desk(said.statements, SqlRules(engine), clock, written.followed)
        trusted = [issuer.trusted(), *(one for login in providers for one in login.provider.trusted_issuers())]
        audit, trail = await stack.enter_async_context(
            open_audit(engine, key, issuer.installation_id, clock=clock, when_away=settings.audit_when_away)
        )
        store = await _session_store(connection, clock)
        access = Access(
            installation=issuer.installation_id,
            first_start=first_start,
            authenticate=Authenticate(TokenVerifier(trusted, clock), revocations, clock),
            governor=Governor(policy, trail, clock, Digester(_digest_key(key), keep=said.audit.arguments)),
            policy=policy,
            rights=PolicyRights(lambda: policy.current),
            audit=audit,
            trail=trail,
            sealer=Sealer(key, issuer.installation_id, read_retired_keys(settings.state_dir)),
            past_calls=PastCalls(audit, clock),
            sessions=_make_sessions(settings, store, revocations, clock),
            tickets=Tickets(store, new_secret=_new_ticket),
            tokens=TokenDesk(
                issuer,
                SqlIssuedTokens(engine),
                revocations,
                clock,
                longest_lifetime_seconds=max(one.max_lifetime_seconds for one in trusted),
            ),
            providers=providers,
        )
        if serves_programs(providers):
            parts = _oauth_parts(settings, store, revocations)
            access = replace(access, oauth=make_oauth_desk(key, access, parts, clock))
        keeping = partial(_keep_audit, access, clock, said.audit.retention_days)
        changes = _Changes(SqlChanges(engine), revocations, policy)
        async with running(
            repeat(changes.take_over, FOLLOW_SECONDS, "access_not_followed"),
            repeat(keeping, KEEP_AUDIT_SECONDS, "audit_not_kept"),
        ):
            yield access


def _make_sessions(settings: Settings, store: SessionStore, revocations: Revocations, clock: Clock) -> Sessions:
    return Sessions(
        store,
        clock=clock,
        new_secret=_new_secret,
        lasts=timedelta(hours=settings.login_hours),
        idle=LOGIN_IDLE,
        recheck=unless_revoked(revocations, clock),
    )


def _oauth_parts(settings: Settings, store: SessionStore, revocations: Revocations) -> OAuthParts:
    return OAuthParts(
        store=store,
        documents=HttpClientDocuments(),
        revocations=revocations,
        new_secret=_new_secret,
        lasts_seconds=settings.login_hours * 3_600,
    )


async def _session_store(connection: RedisConnection | None, clock: Clock) -> SessionStore:
    return MemorySessionStore(clock) if connection is None else await RedisSessionStore.open(connection)


class _Changes:
    """Those of other replicas and of the command line. How long the store was away is counted by `Revocations`."""

    def __init__(self, changes: SqlChanges, revocations: Revocations, policy: PolicyDesk) -> None:
        self._changes, self._revocations, self._policy = changes, revocations, policy
        self._seen = -1

    async def take_over(self) -> None:
        version = (await self._changes.read()).get("revocations", 0)
        if version == self._seen:
            self._revocations.vouch()
        else:
            await self._revocations.reload()
            self._seen = version
        await self._policy.reload()


async def _keep_audit(access: Access, clock: Clock, retention_days: int) -> None:
    """Seals every chain, and removes what is past its time. A process that ends before the first pass does neither."""
    await keep_trail(access.audit, access.sealer, at=clock.timestamp(), retention_days=retention_days)


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


def _new_ticket() -> str:
    """Shorter, to fit into a line of a terminal; it lives ten minutes."""
    return secrets.token_urlsafe(16)


def _digest_key(key: Ed25519PrivateKey) -> bytes:
    """For fingerprints: of this installation, and of no use for signing."""
    return blake2b(key.private_bytes_raw(), person=b"audit-digest", digest_size=32).digest()
