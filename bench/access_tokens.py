"""What believing a token costs: verified by arithmetic once, and remembered from then on.

  python -m bench.access_tokens

CPU time of this process, best of several rounds, all in one run; the ratios are what holds on another machine.
"""

import asyncio
from collections.abc import Callable
from hashlib import blake2b
from time import process_time

from bench.figures import print_table
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt import PyJWS

from mcp_gateway.access.tokens.authenticate import Authenticate
from mcp_gateway.access.tokens.claims import ClaimMapping
from mcp_gateway.access.tokens.embedded import EmbeddedIssuer, TokenOrder
from mcp_gateway.access.tokens.model import TrustedIssuer
from mcp_gateway.access.tokens.ports import PublicKey
from mcp_gateway.access.tokens.records import Revocation
from mcp_gateway.access.tokens.revocations import Revocations
from mcp_gateway.access.tokens.verify import TokenVerifier
from mcp_gateway.adapters.memory_tokens import MemoryRevocations
from mcp_gateway.core.clock import SystemClock

ROUNDS = 15
HITS = 20_000
VERIFICATIONS = 200
REVOKED = 10_000
HOUR_SECONDS = 3_600


class OneKey:
    """Implements `KeySource`."""

    withdrawals = 0

    def __init__(self, key: PublicKey) -> None:
        self._key = key

    async def find(self, kid: str | None, algorithm: str) -> PublicKey:
        assert (kid, algorithm) == ("key-1", "RS256")
        return self._key


async def main() -> None:
    clock = SystemClock()
    own = EmbeddedIssuer(Ed25519PrivateKey.generate(), clock, lambda: "token-1")
    order = TokenOrder(tenant="acme", subject="alice", roles=frozenset({"analyst"}), lifetime_seconds=HOUR_SECONDS)
    own_token, _record = own.issue(order)
    provider, provider_token = rsa_provider(clock)
    verifier = TokenVerifier([own.trusted(), provider], clock)
    revocations = Revocations(ManyRevocations(), clock, stale_after_seconds=HOUR_SECONDS)
    await revocations.reload()
    authenticate = Authenticate(verifier, revocations, clock)
    rows = []
    for title, token in (("this gateway's own (Ed25519)", own_token), ("a provider's (RS256, 2048 bits)", provider_token)):
        await authenticate(token)
        floor = best(hash_of, token)
        hit = best(authenticate.remembered, token)
        full = await best_verification(verifier, token)
        rows.append((title, f"{len(token)}", f"{floor:.2f}", f"{hit:.2f}", f"{full:.0f}", f"{full / hit:.0f}"))
    print_table(
        f"A token, with {REVOKED:,} revocations in force, in µs of CPU",
        ("token", "characters", "its hash alone", "remembered", "verified", "verified / remembered"),
        rows,
    )


def rsa_provider(clock: SystemClock) -> tuple[TrustedIssuer, str]:
    key = generate_private_key(public_exponent=65_537, key_size=2_048)
    now = int(clock.now().timestamp())
    claims = (
        f'{{"iss":"https://login.example.com/","aud":"gateway","sub":"alice","tid":"acme","roles":["analyst"],'
        f'"iat":{now},"nbf":{now},"exp":{now + HOUR_SECONDS},"jti":"token-2","name":"Alice","scope":"gateway.ask gateway.read"}}'
    )
    token = PyJWS(algorithms=["RS256"]).encode(claims.encode(), key, algorithm="RS256", headers={"kid": "key-1"})
    issuer = TrustedIssuer(
        name="example",
        issuer="https://login.example.com/",
        audiences=frozenset({"gateway"}),
        algorithms=frozenset({"RS256"}),
        keys=OneKey(key.public_key()),
        claims=ClaimMapping(tenant="tid"),
    )
    return issuer, token


class ManyRevocations(MemoryRevocations):
    """A store that already holds as many as a large installation would in a day."""

    async def read_current(self, now: float) -> tuple[Revocation, ...]:
        return tuple(
            Revocation(
                tenant="acme",
                kind="token" if number % 2 else "subject",
                value=f"other-{number}",
                not_before=now,
                expires_at=now + HOUR_SECONDS,
                at=now,
                by="root",
            )
            for number in range(REVOKED)
        )


def hash_of(token: str) -> bytes:
    return blake2b(token.encode(), digest_size=16).digest()


def best(work: Callable[[str], object], token: str) -> float:
    """Microseconds a call."""
    found = []
    for _ in range(ROUNDS):
        started = process_time()
        for _ in range(HITS):
            work(token)
        found.append(process_time() - started)
    return min(found) / HITS * 1e6


async def best_verification(verifier: TokenVerifier, token: str) -> float:
    found = []
    for _ in range(ROUNDS):
        started = process_time()
        for _ in range(VERIFICATIONS):
            await verifier.verify(token)
        found.append(process_time() - started)
    return min(found) / VERIFICATIONS * 1e6


if __name__ == "__main__":
    asyncio.run(main())
