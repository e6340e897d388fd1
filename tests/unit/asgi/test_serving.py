"""Sockets and the loopback rule."""

import socket

import pytest
from starlette.types import Receive, Scope, Send

from mcp_gateway.asgi.serving import PortSwitch, RemoteWithoutLogin, open_listeners, open_listeners_near
from mcp_gateway.entrypoints.mcp.hosting import AddressInUse
from mcp_gateway.settings import load_settings

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.com"])
def test_listening_beyond_loopback_is_refused_with_the_reason(host: str) -> None:
    with pytest.raises(RemoteWithoutLogin, match="no provider says who people are"):
        open_listeners(load_settings({"fastapi_host": host, "fastapi_port": 0}))


def test_without_login_it_is_refused_whatever_provider_there_is() -> None:
    options = {"fastapi_host": "0.0.0.0", "fastapi_port": 0, "login": "none", "oidc_issuer": "https://login.example"}
    with pytest.raises(RemoteWithoutLogin, match="only this machine"):
        open_listeners(load_settings(options))


def test_it_is_allowed_where_people_log_in_at_a_provider() -> None:
    options = {"fastapi_host": "0.0.0.0", "fastapi_port": 0, "oidc_issuer": "https://login.example"}
    listeners = open_listeners(load_settings(options))
    assert listeners.port > 0
    listeners.close()


def test_mcp_may_have_a_port_of_its_own() -> None:
    listeners = open_listeners(load_settings({"fastapi_port": 0, "mcp_port": 0}))
    assert listeners.mcp_port != listeners.port
    assert listeners.mcp_url == f"http://127.0.0.1:{listeners.mcp_port}"
    listeners.close()


def test_a_taken_port_is_an_error_and_nothing_stays_open() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUse, match=str(port)):
            open_listeners(load_settings({"fastapi_port": port}))
        with pytest.raises(AddressInUse, match=str(port)):
            open_listeners(load_settings({"fastapi_port": 0, "mcp_port": port}))


def test_the_demo_takes_the_next_free_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        listeners = open_listeners_near("127.0.0.1", port)
        assert listeners.port != port
        listeners.close()


async def test_a_request_goes_to_the_application_of_its_port() -> None:
    reached: list[str] = []

    def named(name: str) -> object:
        async def app(_: Scope, __: Receive, ___: Send) -> None:
            reached.append(name)

        return app

    switch = PortSwitch(named("main"), named("mcp"), mcp_port=8001)  # type: ignore[arg-type]  # plain functions
    for port in (8000, 8001):
        await switch({"type": "http", "server": ("127.0.0.1", port)}, None, None)  # type: ignore[arg-type]  # not used
    assert reached == ["main", "mcp"]
