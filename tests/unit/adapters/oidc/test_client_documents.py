"""Programs' documents: no address inside is connected to, whatever a name resolves to."""

import pytest

from mcp_gateway.adapters.oidc.client_documents import HttpClientDocuments
from mcp_gateway.adapters.oidc.errors import ProviderUnusable

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("address", [
    "127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fd00:ec2::254", "10.0.0.1", "192.168.0.1", "172.16.0.1",
    "0.0.0.0", "2002:7f00:1::", "2002:a9fe:a9fe::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "fe80::1", "fec0::1",
    "2001::1", "::7f00:1", "100.64.0.1", "224.0.0.1",
])  # fmt: skip
async def test_inner_addresses_are_refused_before_anything_is_sent(address: str) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return [address]

    with pytest.raises(ProviderUnusable) as refused:
        await HttpClientDocuments(resolve=resolve).fetch("https://program.example/client.json")
    assert refused.value.kind == "egress"


@pytest.mark.parametrize("url", ["http://127.0.0.1/client.json", "http://localhost/x", "http://program.example/client.json"])
async def test_nothing_is_fetched_without_encryption(url: str) -> None:
    with pytest.raises(ProviderUnusable) as refused:
        await HttpClientDocuments().fetch(url)
    assert refused.value.kind == "address"
