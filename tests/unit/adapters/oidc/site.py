"""A web site on loopback that answers as a test says: what a provider sends when it is well, broken or hostile."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from mcp_gateway.core.errors import Json

HOST = "127.0.0.1"


@dataclass(kw_only=True, slots=True)
class Answer:
    """`hold`: seconds it keeps silent. `raw` is sent in place of everything else."""

    document: Json = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    hold: float = 0.0
    raw: bytes | None = None

    def to_bytes(self) -> bytes:
        if self.raw is not None:
            return self.raw
        body = json.dumps(self.document).encode() if self.body is None else self.body
        headers = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close", **self.headers}
        lines = [f"HTTP/1.1 {self.status} Some", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode() + body


@dataclass(slots=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: str


class Site:
    """`answers` by path, 404 for others; `requests` in the order they came."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[Request] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def serve_provider(self, *keys: Json, path: str = "", **metadata: Json) -> str:
        """A provider's two documents under the path; returns its issuer."""
        issuer = f"{self.url}{path}"
        shown: dict[str, Json] = {"issuer": issuer, "jwks_uri": f"{issuer}/jwks", **metadata}
        self.answers[f"{path}/.well-known/openid-configuration"] = Answer(document=shown)
        self.answers[f"{path}/jwks"] = Answer(document={"keys": list(keys)})
        return issuer

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *rest = head.strip().split("\r\n")
            method, path, _ = first.split(" ")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
            body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
            self.requests.append(Request(method, path, headers, body))
            answer = self.answers.get(path.partition("?")[0], Answer(status=404, document={}))
            await asyncio.sleep(answer.hold)
            writer.write(answer.to_bytes())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def open_site() -> AsyncIterator[Site]:
    site = Site()
    await site.start()
    try:
        yield site
    finally:
        await site.stop()


def new_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(key: RSAPrivateKey, kid: str, **fields: Json) -> dict[str, Json]:
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", "alg": "RS256", **fields}
