"""Codes, grants and refresh tokens as two replicas see them, over a store of this process and over a real Valkey."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.access.oauth.grants import Grants
from mcp_gateway.access.oauth.model import Code, Grant
from mcp_gateway.access.sessions.memory import MemorySessionStore
from mcp_gateway.access.sessions.ports import SessionStore
from mcp_gateway.access.sessions.sessions import owner_key
from mcp_gateway.adapters.redis_sessions import RedisSessionStore
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.redis.connection import RedisConnection

pytestmark = pytest.mark.anyio

CLOCK = SystemClock()
ADA = Caller(
    tenant="acme",
    subject="entra:ada",
    roles=frozenset({"analyst"}),
    name="Ada Ünal",
    issuer="https://issuer.example",
    credential="jti-7",
    attributes={"region": "EU"},
)


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def a_grant() -> Grant:
    now = CLOCK.now().timestamp()
    return Grant(
        grant_id=new_secret(),
        caller=ADA,
        client_id="https://program.example/client.json",
        client_name="Program",
        scopes=frozenset({"gateway.ask", "gateway.read"}),
        resource="https://gateway.example/mcp",
        given_at=now,
        ends_at=now + 3_600,
    )


@pytest.fixture(params=["memory", "valkey"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[tuple[SessionStore, SessionStore]]:
    if request.param == "memory":
        store = MemorySessionStore(CLOCK)
        yield store, store
        return
    valkey: ValkeyProcess = request.getfixturevalue("valkey")
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(2):
            connection = await stack.enter_async_context(await RedisConnection.open(valkey.url, timeout_seconds=5.0))
            opened.append(await RedisSessionStore.open(connection, timeout_seconds=5.0))
        yield opened[0], opened[1]


@pytest.fixture
def replicas(stores: tuple[SessionStore, SessionStore]) -> tuple[Grants, Grants]:
    return Grants(stores[0], CLOCK, new_secret), Grants(stores[1], CLOCK, new_secret)


async def test_a_code_of_one_replica_is_taken_at_another_once(replicas: tuple[Grants, Grants]) -> None:
    one, other = replicas
    code = Code(grant=a_grant(), redirect_uri="https://program.example/callback", challenge="c" * 43)
    text = await one.give_code(code)
    taken = await asyncio.gather(*(side.take_code(text) for side in (one, other) * 5))
    assert [found for found in taken if found is not None] == [code]


async def test_a_grant_comes_back_whole(replicas: tuple[Grants, Grants]) -> None:
    one, other = replicas
    grant = a_grant()
    assert await one.open(grant)
    found = await other.find(grant.grant_id)
    assert found == grant
    assert found is not None
    assert (found.caller.roles, found.caller.attributes, found.caller.name) == (ADA.roles, ADA.attributes, ADA.name)
    assert (found.caller.issuer, found.caller.credential, found.caller.scopes) == (ADA.issuer, ADA.credential, None)


async def test_a_refresh_token_is_taken_once_and_is_known_afterwards(replicas: tuple[Grants, Grants]) -> None:
    one, other = replicas
    grant = a_grant()
    await one.open(grant)
    token = await one.give_refresh(grant)
    taken = await asyncio.gather(*(side.take_refresh(token) for side in (one, other) * 5))
    assert sum(taken) == 1
    assert await other.grant_of(token) == grant


async def test_what_one_replica_ends_is_over_at_the_other(replicas: tuple[Grants, Grants]) -> None:
    one, other = replicas
    grant = a_grant()
    await one.open(grant)
    token = await one.give_refresh(grant)
    await one.note_token(grant, "jti-1")
    await other.note_token(grant, "jti-2")
    assert await other.end(grant) == ("jti-1", "jti-2")
    assert await one.grant_of(token) is None


async def test_a_grant_whose_code_was_replayed_while_it_was_made_is_not_made(replicas: tuple[Grants, Grants]) -> None:
    one, other = replicas
    grant = a_grant()
    text = await one.give_code(Code(grant=grant, redirect_uri="https://program.example/cb", challenge="c" * 43))
    assert await one.take_code(text) is not None
    assert await other.used_for(text) is None
    assert not await one.open(grant)
    assert await other.find(grant.grant_id) is None


async def test_grants_end_with_the_other_logins_of_their_owner(
    stores: tuple[SessionStore, SessionStore], replicas: tuple[Grants, Grants]
) -> None:
    one, other = replicas
    grant = a_grant()
    await one.open(grant)
    code = await one.give_code(Code(grant=a_grant(), redirect_uri="https://program.example/cb", challenge="c" * 43))
    await stores[1].remove_all(owner_key("acme", "entra:bob"))
    assert await other.find(grant.grant_id) == grant
    await stores[1].remove_all(owner_key("acme", "entra:ada"))
    assert await one.find(grant.grant_id) is None
    assert await one.take_code(code) is None
