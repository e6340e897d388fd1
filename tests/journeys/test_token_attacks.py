"""What attackers send instead of a token, at every kind of door: 401 with the way to log in, and a line in the audit trail."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.journeys.conftest import open_served
from tests.minting import as_json, base64url, mint

from mcp_gateway.access.access import Access
from mcp_gateway.access.audit.model import NOBODYS
from mcp_gateway.access.audit.search import Search
from mcp_gateway.access.tokens.embedded import EmbeddedIssuer, TokenOrder
from mcp_gateway.adapters.key_file import open_signing_key
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.demo import DemoShop

pytestmark = pytest.mark.anyio

# One of each kind: the API, the gateway as an MCP server, an embedded server, the figures of the operator.
DOORS = (("POST", "/api/chat"), ("POST", "/mcp"), ("POST", "/servers/tables/mcp"), ("GET", "/metrics"))
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
ADMIN = Caller(tenant="acme", subject="root", roles=frozenset({"admin"}))
ORDER = TokenOrder(tenant="acme", subject="alice", roles=frozenset({"admin"}), lifetime_seconds=3_600)


@dataclass(frozen=True)
class Target:
    """A gateway with its own key at hand, as an attacker would have it who may sign but not choose."""

    client: httpx.AsyncClient
    access: Access
    key: Ed25519PrivateKey
    name: str
    now: int

    def claims(self, **changed: object) -> dict[str, object]:
        claims: dict[str, object] = {
            "iss": self.name,
            "aud": self.name,
            "sub": "alice",
            "tenant": "acme",
            "roles": ["admin"],
            "jti": "forged",
            "iat": self.now,
            "nbf": self.now,
            "exp": self.now + 3_600,
            **changed,
        }
        return {claim: value for claim, value in claims.items() if value is not ...}

    def header(self, **changed: object) -> dict[str, object]:
        return {"alg": "EdDSA", "typ": "at+jwt", "kid": self.name.partition(":")[2], **changed}

    def mint(self, claims: dict[str, object] | bytes | None = None, **header: object) -> str:
        return mint(claims or self.claims(), self.header(**header), self.key)

    async def send(self, token: str, method: str, path: str, tenant: str = "acme") -> httpx.Response:
        body = None if method == "GET" else INITIALIZE if path.endswith("/mcp") else {"query": "How many customers?"}
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream", "X-Tenant-ID": tenant}
        return await self.client.request(method, path, json=body, headers=headers)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def target(shop: DemoShop, cache_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    state = tmp_path_factory.mktemp("attacked")
    options = {"tables_url": str(shop.database), "cache_dir": cache_dir, "log_level": "ERROR", "state_dir": state}
    async with open_served(load_settings({**options, "login": "required"})) as (application, client, _listeners):
        assert application.gateway.access is not None
        key = open_signing_key(state)
        issuer = EmbeddedIssuer(key, SystemClock(), lambda: "id")
        yield Target(client, application.gateway.access, key, issuer.issuer, int(SystemClock().now().timestamp()))


def unsigned(target: Target, algorithm: str) -> str:
    return f"{base64url(as_json(target.header(alg=algorithm)))}.{base64url(as_json(target.claims()))}."


def with_public_key_as_secret(target: Target) -> str:
    secret = target.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return mint(target.claims(), target.header(alg="HS256"), secret)


def with_claim_twice(target: Target) -> str:
    return target.mint(as_json(target.claims(roles=["viewer"]))[:-1] + b',"roles":["admin"]}')


def of_another_deployment(target: Target) -> str:
    assert target.name
    other = EmbeddedIssuer(Ed25519PrivateKey.generate(), SystemClock(), lambda: "id")
    return other.issue(ORDER)[0]


ATTACKS: dict[str, tuple[str, Callable[[Target], str]]] = {
    "none": ("unsigned", lambda target: unsigned(target, "none")),
    "nOnE": ("unsigned", lambda target: unsigned(target, "nOnE")),
    "algorithm confusion": ("algorithm", with_public_key_as_secret),
    "jku": ("header", lambda target: target.mint(jku="https://evil.example/keys")),
    "x5u": ("header", lambda target: target.mint(x5u="https://evil.example/chain")),
    "jwk": ("header", lambda target: target.mint(jwk={"kty": "OKP", "crv": "Ed25519", "x": "AA"})),
    "crit": ("header", lambda target: target.mint(crit=["exp"])),
    "kid traversal": ("unknown_key", lambda target: target.mint(kid="../../signing-key")),
    "kid SQL": ("unknown_key", lambda target: target.mint(kid="' OR 1=1 --")),
    "foreign issuer": ("unknown_issuer", lambda target: target.mint(target.claims(iss="https://evil.example/"))),
    "issuer in other case": ("unknown_issuer", lambda target: target.mint(target.claims(iss=target.name.upper()))),
    "another deployment": ("unknown_issuer", of_another_deployment),
    "wrong audience": ("audience", lambda target: target.mint(target.claims(aud="https://another.example/mcp"))),
    "expired": ("expired", lambda target: target.mint(target.claims(iat=target.now - 7_200, exp=target.now - 3_600))),
    "not yet": ("not_yet", lambda target: target.mint(target.claims(nbf=target.now + 3_000))),
    "issued in the future": ("issued_in_future", lambda target: target.mint(target.claims(iat=target.now + 3_000))),
    "eternal": ("claims", lambda target: target.mint(target.claims(exp=target.now + 10**9))),
    "without an end": ("claims", lambda target: target.mint(target.claims(exp=...))),
    "oversized": ("too_long", lambda target: target.mint(target.claims(padding="x" * 20_000))),
    "claim twice": ("malformed", with_claim_twice),
    "role as object": ("claims", lambda target: target.mint(target.claims(roles={"admin": True}))),
    "role as number": ("claims", lambda target: target.mint(target.claims(roles=[1]))),
    "no tenant": ("tenant", lambda target: target.mint(target.claims(tenant=...))),
    "signature of another": ("signature", lambda target: mint(target.claims(), target.header(), Ed25519PrivateKey.generate())),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_is_answered_with_401_at_every_door_and_written_down(target: Target, attack: str) -> None:
    reason, forge = ATTACKS[attack]
    token = forge(target)
    for method, path in DOORS:
        response = await target.send(token, method, path)
        assert response.status_code == 401, path
        assert "resource_metadata=" in response.headers["www-authenticate"]
        assert 'error="invalid_token"' in response.headers["www-authenticate"]
        assert '"TOKEN_REFUSED"' in response.text
        assert f'"{reason}"' in response.text
        assert token[:40] not in response.text + str(response.headers)
    lines = await written_of(target, NOBODYS)
    assert [(line["error_code"], line["reason"]) for line in lines[: len(DOORS)]] == [("TOKEN_REFUSED", reason)] * len(DOORS)


async def test_a_revoked_token_is_refused_when_it_is_replayed(target: Target) -> None:
    token, record = await target.access.tokens.issue(ADMIN, ORDER)
    assert (await target.send(token, "GET", "/metrics")).status_code == 200
    await target.access.tokens.revoke_token(ADMIN, record.jti)
    for method, path in DOORS:
        response = await target.send(token, method, path)
        assert response.status_code == 401
        assert '"revoked"' in response.text
    line = (await written_of(target, "acme"))[0]
    assert (line["subject"], line["reason"], line["outcome"]) == ("alice", "revoked", "refused")


async def test_a_tenant_swapped_in_the_header_is_refused_and_written_down_where_the_token_belongs(target: Target) -> None:
    token, _record = await target.access.tokens.issue(ADMIN, ORDER)
    for method, path in DOORS:
        response = await target.send(token, method, path, tenant="globex")
        assert response.status_code == 403
        assert '"TENANT_MISMATCH"' in response.text
    assert (await written_of(target, "acme"))[0]["error_code"] == "TENANT_MISMATCH"
    assert await written_of(target, "globex") == []


async def test_the_gateway_believes_what_it_issued_at_every_door(target: Target) -> None:
    """Or the tests above would hold for a gateway that refuses everybody."""
    token, _record = await target.access.tokens.issue(ADMIN, ORDER)
    for method, path in DOORS:
        assert (await target.send(token, method, path)).status_code == 200, path


async def written_of(target: Target, tenant: str) -> list[dict[str, object]]:
    """The newest lines of the trail, newest first."""
    rows = await target.access.audit.search(Search(tenant=tenant, limit=20))
    return [json.loads(row.body) for row in rows]
