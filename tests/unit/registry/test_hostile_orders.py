"""Orders nobody honest sends: refused with their reason, without repeating a secret, and nothing is registered or changed."""

from dataclasses import replace

import pytest
from tests.unit.registry.conftest import replica

from mcp_gateway.adapters.memory_servers import MemoryServers
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.registry.configuration.read import read_servers
from mcp_gateway.registry.errors import InvalidServer
from mcp_gateway.registry.model import Credential, Selected, ServerLimits
from mcp_gateway.registry.orders import ServerChange, ServerOrder, VirtualOrder

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


SECRET = Credential(kind="bearer", secret="s3cr3t")
EXCHANGE = Credential(kind="token_exchange", secret="x", client_id="gateway", token_url="https://login.example.com/token")


@pytest.mark.parametrize(
    "url", ["https://evil.example/mcp", "http://a.example/mcp", "https://a.example:444/mcp", "https://a.example/@evil/mcp"]
)
async def test_a_credential_does_not_follow_its_server_to_another_address(url: str) -> None:
    """Whoever may change servers need not know their secrets, and must not have them sent to a place of their own."""
    async with replica(MemoryServers()) as registry:
        await registry.add(ADMIN, replace(order(), credential=SECRET))
        with pytest.raises(InvalidServer, match="given for another address"):
            await registry.update(ADMIN, "github", ServerChange(url=url))
        assert registry.servers["github"].url == "https://a.example/mcp"
        await registry.update(ADMIN, "github", ServerChange(url="https://a.example/mcp?key=other"))
        await registry.update(ADMIN, "github", ServerChange(url=url, credential=replace(SECRET, secret="another")))
        await registry.update(ADMIN, "github", ServerChange(url="https://c.example", credential=Credential()))
        assert registry.servers["github"].credential == Credential()


async def test_callers_tokens_are_handed_only_to_endpoints_the_operator_named() -> None:
    ops = Caller(tenant="ops", subject="olga", roles=frozenset({"admin"}))
    text = "registry: {operators: [ops], exchanges: [https://login.acme.example]}"
    trusted = replace(EXCHANGE, token_url="https://login.acme.example/oauth/token")
    async with replica(MemoryServers(), written=read_servers(text)) as registry:
        with pytest.raises(InvalidServer, match="may not be handed"):
            await registry.add(ADMIN, replace(order(), credential=EXCHANGE))
        await registry.add(ADMIN, replace(order(), credential=trusted))
        for url in (EXCHANGE.token_url, "http://login.acme.example/t", "https://login.acme.example.evil.example/t"):
            with pytest.raises(InvalidServer, match="may not be handed"):
                await registry.update(ADMIN, "github", ServerChange(credential=replace(trusted, token_url=url)))
        await registry.add(ops, replace(order(), name="shared", credential=EXCHANGE))


@pytest.mark.parametrize(
    "preset",
    [{"a": float("nan")}, {"a": float("-inf")}, {"a": "\ud800"}, {"a": ["x" * 20_000]}, {"\u202e": 1}, {"": 1}],
    ids=ascii,
)
async def test_presets_that_could_not_be_sent_are_refused(preset: dict[str, Json]) -> None:
    async with replica(MemoryServers()) as registry:
        await registry.add(ADMIN, order())
        with pytest.raises(InvalidServer):
            await registry.virtual.add(ADMIN, VirtualOrder(name="v", tools=(Selected(server="github", tool="t", preset=preset),)))


async def test_a_preset_nested_without_end_is_refused() -> None:
    deep: Json = 1
    for _ in range(100_000):
        deep = [deep]
    tool = Selected(server="github", tool="t", preset={"a": deep})
    async with replica(MemoryServers()) as registry:
        await registry.add(ADMIN, order())
        with pytest.raises(InvalidServer):
            await registry.virtual.add(ADMIN, VirtualOrder(name="v", tools=(tool,)))
