"""The HTTP application behind a door that asks people to log in: real parts of access, in memory, and the test's own clock."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.entrypoints.http.conftest import NOW, Reply, Told, answered, make_gateway

from mcp_gateway.access.access import Access
from mcp_gateway.access.audit.fingerprint import Digester
from mcp_gateway.access.audit.seals import Sealer
from mcp_gateway.access.audit.trail import open_trail
from mcp_gateway.access.data.rights import PolicyRights
from mcp_gateway.access.governor import Governor
from mcp_gateway.access.oauth.clients import ClientDocuments, FetchedDocument
from mcp_gateway.access.past_calls import PastCalls
from mcp_gateway.access.policy.build import Statements
from mcp_gateway.access.policy.desk import open_desk
from mcp_gateway.access.sessions.memory import MemorySessionStore
from mcp_gateway.access.sessions.ports import LoginProvider, SessionStore
from mcp_gateway.access.sessions.sessions import Sessions, unless_revoked
from mcp_gateway.access.sessions.tickets import Tickets
from mcp_gateway.access.tokens.authenticate import Authenticate
from mcp_gateway.access.tokens.desk import TokenDesk
from mcp_gateway.access.tokens.embedded import EmbeddedIssuer, TokenOrder
from mcp_gateway.access.tokens.revocations import Revocations
from mcp_gateway.access.tokens.verify import TokenVerifier
from mcp_gateway.adapters.memory_audit import MemoryAudit
from mcp_gateway.adapters.memory_rules import MemoryRules
from mcp_gateway.adapters.memory_servers import MemoryServers
from mcp_gateway.adapters.memory_tokens import MemoryIssuedTokens, MemoryRevocations
from mcp_gateway.ask.model import Answer, Question
from mcp_gateway.ask.ports import ProgressListener
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Json, Unavailable
from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.http.app import HttpOptions, create_app
from mcp_gateway.registry.configuration.model import ServersConfiguration
from mcp_gateway.registry.ports import StoredRegistry
from mcp_gateway.registry.register import Register
from mcp_gateway.registry.registry import Registry
from mcp_gateway.wiring.oauth import OAuthParts, make_oauth_desk

LASTS = timedelta(hours=12)
IDLE = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Guarded:
    """`client` sends nothing of its own accord; `https` speaks to the same application as through a proxy with a public name."""

    client: httpx.AsyncClient
    access: Access
    clock: FixedClock
    issuer: EmbeddedIssuer
    documents: "Documents"
    registry: Registry

    def bearer(self, role: str = "analyst", *, tenant: str = "acme", subject: str = "ada", scope: str = "") -> dict[str, str]:
        """The Authorization header of a good token."""
        return {"Authorization": f"Bearer {self.token(role, tenant=tenant, subject=subject, scope=scope)}"}

    def token(self, role: str = "analyst", *, tenant: str = "acme", subject: str = "ada", scope: str = "") -> str:
        scopes = frozenset(scope.split()) if scope else None
        order = TokenOrder(tenant=tenant, subject=subject, roles=frozenset({role}), lifetime_seconds=3_600.0, scopes=scopes)
        return self.issuer.issue(order)[0]

    async def signed_in(self, role: str = "analyst", *, tenant: str = "acme", subject: str = "ada") -> dict[str, str]:
        """Cookie and CSRF headers of a session begun with a token."""
        reply = await self.client.post("/login", json={"token": self.token(role, tenant=tenant, subject=subject)})
        assert reply.status_code == 200, reply.text
        cookie = reply.headers["set-cookie"].split(";")[0]
        self.client.cookies.clear()
        me = await self.client.get("/api/me", headers={"Cookie": cookie})
        return {"Cookie": cookie, "X-CSRF-Token": me.json()["csrf"]}

    async def lines(self, tenant: str) -> list[str]:
        """The codes of what was refused, oldest first."""
        rows = await self.access.audit.read(tenant, after=0, limit=1_000)
        return [row.body for row in rows]


@dataclass
class Documents:
    """What programs' own documents say, by their address; everything else is away."""

    known: dict[str, dict[str, Json]] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    async def fetch(self, url: str) -> FetchedDocument:
        self.fetched.append(url)
        if url not in self.known:
            raise Unavailable("There is nothing.")
        return FetchedDocument(document=self.known[url], fresh_seconds=None)


@asynccontextmanager
async def open_guarded(
    *,
    public_url: str | None = None,
    providers: Sequence[LoginProvider] = (),
    store: SessionStore | None = None,
    documents: ClientDocuments | None = None,
    reply: Reply | None = None,
    servers: ServersConfiguration | None = None,
) -> AsyncIterator[Guarded]:
    clock = FixedClock(NOW)
    numbers = count(1)
    key = Ed25519PrivateKey.generate()
    issuer = EmbeddedIssuer(key, clock, lambda: f"jti-{next(numbers)}")
    revocations = Revocations(MemoryRevocations(), clock)
    await revocations.reload()
    policy = await open_desk(Statements(), MemoryRules(), clock)
    audit = MemoryAudit(issuer.installation_id)
    store = store or MemorySessionStore(clock)
    known = Documents()

    def new_secret() -> str:
        return f"secret-{next(numbers)}-" + "x" * 32

    async with open_trail(audit, clock) as trail:
        access = Access(
            installation=issuer.installation_id,
            first_start=False,
            authenticate=Authenticate(TokenVerifier([issuer.trusted()], clock), revocations, clock),
            governor=Governor(policy, trail, clock, Digester(b"k" * 32, keep=False)),
            policy=policy,
            rights=PolicyRights(lambda: policy.current),
            audit=audit,
            trail=trail,
            sealer=Sealer(key, issuer.installation_id),
            past_calls=PastCalls(audit, clock),
            sessions=Sessions(
                store, clock=clock, new_secret=new_secret, lasts=LASTS, idle=IDLE, recheck=unless_revoked(revocations, clock)
            ),
            tickets=Tickets(store, new_secret=new_secret),
            tokens=TokenDesk(issuer, MemoryIssuedTokens(), revocations, clock, longest_lifetime_seconds=86_400.0),
            providers=providers,
        )
        parts = OAuthParts(
            store=store,
            documents=documents or known,
            revocations=revocations,
            new_secret=new_secret,
            lasts_seconds=LASTS.total_seconds(),
        )
        access = replace(access, oauth=make_oauth_desk(key, access, parts, clock))
        registry = _registry(access, clock, servers)
        app = create_app(
            replace(make_gateway(Told(reply=reply or _reply)), registry=registry),
            _options(public_url),
            clock=clock,
            new_id=lambda: f"id-{next(numbers)}",
            access=access,
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8000") as client:
            yield Guarded(client=client, access=access, clock=clock, issuer=issuer, documents=known, registry=registry)


def _registry(access: Access, clock: FixedClock, servers: ServersConfiguration | None) -> Registry:
    written = servers or ServersConfiguration()
    return Registry(Register(MemoryServers(), StoredRegistry(), written=written), access.governor, clock)


def _options(public_url: str | None) -> HttpOptions:
    return HttpOptions(
        version="1.2.3",
        allowed_origins=("http://friend.example",),
        hosts=("gateway.example",),
        max_body_bytes=10_000,
        public_url=public_url,
        mcp_endpoints=("/mcp", "/sse", "/servers/tables/mcp"),
    )


async def _reply(question: Question, _: ProgressListener | None) -> Answer:
    return answered(question)


def caller(tenant: str = "acme", subject: str = "ada", role: str = "analyst") -> Caller:
    return Caller(tenant=tenant, subject=subject, roles=frozenset({role}))
