"""Which paths are MCP endpoints to whoever has not logged in."""

from typing import cast

from mcp_gateway.asgi.federated import Endpoints
from mcp_gateway.registry.model import Server
from mcp_gateway.registry.registry import Registry


class Registered:
    """As much of the registry as is asked for."""

    def __init__(self) -> None:
        self.servers = {"shop": Server(name="shop", tenant="acme")}
        self.virtual_servers: dict[str, object] = {}


def test_nobody_learns_from_them_which_servers_there_are() -> None:
    endpoints = Endpoints(["tables"], cast(Registry, Registered()))
    for name in ("shop", "nonesuch"):
        assert f"/servers/{name}/mcp" in endpoints
        assert f"/servers/{name}/sse" in endpoints
    for path in ("/mcp", "/servers/tables/mcp"):
        assert path in endpoints
    for path in ("/api/chat", "/servers//mcp", "/servers/a/b/mcp", "/servers/No Name/mcp", "/servers/shop/other"):
        assert path not in endpoints
