"""Orders nobody honest sends: refused with their reason, without repeating a secret, and nothing is registered or changed."""

from dataclasses import replace

import pytest
from tests.unit.registry.conftest import replica

from mcp_gateway.adapters.memory_servers import MemoryServers
from mcp_gateway.core.identity import Caller
from mcp_gateway.registry.errors import InvalidServer
from mcp_gateway.registry.model import Credential, ServerLimits
from mcp_gateway.registry.orders import ServerChange, ServerOrder

pytestmark = pytest.mark.anyio

ADMIN = Caller(tenant="acme", subject="ada", roles=frozenset({"admin"}))


def order(url: str = "https://a.example/mcp") -> ServerOrder:
    return ServerOrder(name="github", url=url)


URLS = [
    "",
    "a.example/mcp",
    "//a.example/mcp",
    "ftp://a.example",
    "file:///etc/passwd",
    "gopher://a.example",
    "javascript:alert(1)",
    "https://",
    "https:///mcp",
    "https://user@a.example/",
    "https://user:pw@a.example/",
    "https://a.example/#x",
    "https://a.example/ x",
    "https://a.example/\r\nHost: b",
    "https://a.example/\x00",
    "https://a.example:99999/",
    "https://a.example:0/",
    "https://a.example:x/",
    "https://[::1/",
    "https://ex\u0430mple.com/",
    "https://a.example\\@b.example/",
    "https://a.example/" + "x" * 2_048,
]


@pytest.mark.parametrize("url", URLS, ids=lambda url: ascii(url)[:40])
async def test_addresses_that_are_none_are_refused_when_added_and_when_changed(url: str) -> None:
    async with replica(MemoryServers()) as registry:
        with pytest.raises(InvalidServer):
            await registry.add(ADMIN, order(url=url))
        await registry.add(ADMIN, order())
        with pytest.raises(InvalidServer):
            await registry.update(ADMIN, "github", ServerChange(url=url))
        assert registry.servers["github"].url == "https://a.example/mcp"


@pytest.mark.parametrize(
    "credential",
    [
        Credential(kind="bearer"),
        Credential(kind="none", secret="x"),
        Credential(kind="bearer", secret="a\r\nX: y"),
        Credential(kind="bearer", secret="caf\u00e9"),
        Credential(kind="bearer", secret="x" * 20_000),
        Credential(kind="bearer", secret="x", header="X-Key"),
        Credential(kind="bearer", secret="x", token_url="https://login.example.com"),
        Credential(kind="header", secret="x"),
        Credential(kind="header", secret="x", header="Content-Length"),
        Credential(kind="header", secret="x", header="Mcp-Session-Id"),
        Credential(kind="header", secret="x", header="X Y"),
        Credential(kind="client_credentials", secret="x", client_id="c"),
        Credential(kind="client_credentials", secret="x", token_url="https://login.example.com"),
        Credential(kind="client_credentials", secret="x", client_id="c", token_url="file:///x"),
        Credential(kind="token_exchange", client_id="c\n", token_url="https://login.example.com"),
    ],
    ids=repr,
)
async def test_credentials_that_cannot_be_sent_are_refused_and_not_repeated(credential: Credential) -> None:
    async with replica(MemoryServers()) as registry:
        with pytest.raises(InvalidServer) as caught:
            await registry.add(ADMIN, replace(order(), credential=credential))
        if len(credential.secret) > 1:
            assert ascii(credential.secret)[1:-1] not in str(caught.value.to_dict())


@pytest.mark.parametrize(
    "change",
    [
        ServerChange(title="x" * 201),
        ServerChange(title="\x1b[31m"),
        ServerChange(description="a\u202eb"),
        ServerChange(description="\ud800"),
        ServerChange(prefix="a b"),
        ServerChange(prefix="x" * 33),
        ServerChange(prefix="\u0430_"),
        ServerChange(mask=frozenset({"everything"})),
        ServerChange(limits=ServerLimits(timeout_seconds=float("nan"))),
        ServerChange(limits=ServerLimits(timeout_seconds=float("inf"))),
        ServerChange(limits=ServerLimits(connect_seconds=0)),
        ServerChange(limits=ServerLimits(max_answer_bytes=1 << 40)),
        ServerChange(limits=ServerLimits(calls_at_once=0)),
    ],
)
async def test_changes_that_make_no_sense_are_refused(change: ServerChange) -> None:
    async with replica(MemoryServers()) as registry:
        await registry.add(ADMIN, order())
        with pytest.raises(InvalidServer):
            await registry.update(ADMIN, "github", change)
        assert registry.servers["github"].version == 1
