"""Who calls, by signed tokens: the issuer's side (`Issuer`, its key set over HTTP) and the gateway's (`Tokens`).

The gateway fetches the key set again when a token names a key it does not know, at most once a second.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.requests import Request

from mcp_gateway.adapters.faults.clock import SkewedClock
from mcp_gateway.core.errors import Unauthenticated
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.figures import Figures, Metric

TOKEN_SECONDS = 60.0
LEEWAY_SECONDS = 10.0
REFETCH_SECONDS = 1.0

FAILURES = Metric(name="auth_failures", help="Tokens refused, by why.", kind="counter", labels=("reason",))
KEYS_AGE = Metric(
    name="signing_keys_fetches", help="Fetches of the key set, by how they ended.", kind="counter", labels=("outcome",)
)


@dataclass(slots=True)
class Issuer:
    """Signs tokens and publishes keys. `signing` is the key in use, `published` what the set shows."""

    keys: dict[str, Ed25519PrivateKey] = field(default_factory=lambda: {"old": Ed25519PrivateKey.generate()})
    signing: tuple[str, ...] = ("old",)
    published: set[str] = field(default_factory=lambda: {"old"})
    failing: bool = False
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = issuer.key_set()
                self.send_response(500 if issuer.failing else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name for it
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}/jwks.json"

    def rotate(self, *, share_new: float) -> None:
        """Sign with a new key that is not published."""
        self.keys["new"] = Ed25519PrivateKey.generate()
        self.signing = ("new",) if share_new >= 1 else ("old", "new")

    def publish(self) -> None:
        """Show every key that signs."""
        self.published = set(self.keys)
        self.failing = False

    def reset(self) -> None:
        self.keys = {"old": self.keys["old"]}
        self.signing, self.published, self.failing = ("old",), {"old"}, False

    def token(self, tenant: str, number: int) -> str:
        """Lives a minute, from now on."""
        kid, now = self.signing[number % len(self.signing)], time.time()
        claims = {"sub": f"user-of-{tenant}", "tenant": tenant, "iat": now, "nbf": now, "exp": now + TOKEN_SECONDS}
        return jwt.encode(claims, self.keys[kid], algorithm="EdDSA", headers={"kid": kid})

    def key_set(self) -> bytes:
        shown = []
        for kid in sorted(self.published & set(self.keys)):
            described = jwt.algorithms.OKPAlgorithm.to_jwk(self.keys[kid].public_key(), as_dict=True)
            shown.append({**described, "kid": kid, "use": "sig", "alg": "EdDSA"})
        return json.dumps({"keys": shown}).encode()


class Tokens:
    """The gateway's side."""

    def __init__(self, url: str, client: httpx.AsyncClient, *, clock: SkewedClock, figures: Figures) -> None:
        self._url, self._client, self._clock, self._figures = url, client, clock, figures
        self._keys: dict[str, Any] = {}
        self._fetched = float("-inf")

    async def caller_of(self, request: Request) -> Caller:
        """Raises `Unauthenticated`, with the reason in its data and in the figures."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
        except jwt.InvalidTokenError:
            self._refuse("malformed")
        key = self._keys.get(kid) or await self._find(kid)
        if key is None:
            self._refuse("unknown_key")
        options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
        try:
            claims = jwt.decode(token, key, algorithms=["EdDSA"], options=options)
        except jwt.InvalidTokenError:
            self._refuse("bad_signature")
        now = self._clock.timestamp()
        if now > claims["exp"] + LEEWAY_SECONDS:
            self._refuse("expired")
        if now < claims["nbf"] - LEEWAY_SECONDS:
            self._refuse("not_yet_valid")
        return Caller(tenant=claims["tenant"], subject=claims["sub"])

    async def fetch(self) -> None:
        """Read the key set; the old one stays when that fails."""
        self._fetched = self._clock.monotonic()
        try:
            answer = await self._client.get(self._url, timeout=1.0)
            answer.raise_for_status()
            self._keys = {one["kid"]: jwt.PyJWK(one).key for one in answer.json()["keys"]}
        except (httpx.HTTPError, ValueError, KeyError, jwt.InvalidTokenError):
            self._figures.counter(KEYS_AGE, outcome="failed").add()
        else:
            self._figures.counter(KEYS_AGE, outcome="ok").add()

    async def _find(self, kid: str) -> Any:
        if self._clock.monotonic() - self._fetched > REFETCH_SECONDS:
            await self.fetch()
        return self._keys.get(kid)

    def _refuse(self, reason: str) -> Any:
        self._figures.counter(FAILURES, reason=reason).add()
        raise Unauthenticated("This token is not accepted.", reason=reason)
