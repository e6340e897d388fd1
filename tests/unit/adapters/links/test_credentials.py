"""How the gateway makes itself known to an upstream."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest
from tests.upstreams.reaching import CLIENT, calling, modern_link, until
from tests.upstreams.scripted_http import Asked, ScriptedUpstream, Wire, repeating, scripted

from mcp_gateway.adapters.links.credentials import presenter
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.modern import ModernLink
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.identity import Caller
from mcp_gateway.federation.errors import AddressRefused, UpstreamRefused, UpstreamUnreachable
from mcp_gateway.federation.model import Client
from mcp_gateway.registry.model import Credential, CredentialKind

pytestmark = pytest.mark.anyio

RESULT = b'{"jsonrpc":"2.0","id":7,"result":{}}'
SECRET, SUBJECT = "cl!ent s3cret", "callers-own-token"


@dataclass
class World:
    """An upstream that lets in the newest token, and the token endpoint that gives it."""

    upstream: ScriptedUpstream
    endpoint: ScriptedUpstream
    link: ModernLink
    clock: FixedClock
    revoked: set[str] = field(default_factory=set)

    async def call(self, client: Client = CLIENT) -> str:
        """What the upstream saw as the credential."""
        await self.link.send(calling(client=client))
        return self.upstream.asked[-1].headers["authorization"]

    def forms(self) -> list[dict[str, str]]:
        return [{name: values[0] for name, values in parse_qs(asked.body.decode()).items()} for asked in self.endpoint.asked]


@asynccontextmanager
async def world(
    kind: CredentialKind = "client_credentials", *, answer: dict[str, object] | None = None, status: str = "200 OK"
) -> AsyncIterator[World]:
    given = answer if answer is not None else {"token_type": "Bearer", "expires_in": 600}

    async def grant(wire: Wire, _: Asked) -> None:
        await asyncio.sleep(0)
        token = {"access_token": f"token-{len(found.endpoint.asked)}"} if status.startswith("200") and answer is None else {}
        wire.answer(json.dumps({**token, **given}).encode(), status=status)

    async def serve(wire: Wire, asked: Asked) -> None:
        refused = asked.headers["authorization"] in found.revoked
        wire.answer(b"{}" if refused else RESULT, status="401 Unauthorized" if refused else "200 OK")

    async with scripted(repeating(serve)) as upstream, scripted(repeating(grant)) as endpoint:
        clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
        credential = Credential(
            kind=kind,
            token_url=endpoint.url,
            client_id="a client",
            secret=SECRET,
            scope="read write",
            audience="https://up.example.com",
        )
        link = modern_link(upstream.url, credential=credential, clock=clock)
        found = World(upstream, endpoint, link, clock)
        yield found
        await link.close()


def of(subject: str, token: str | None) -> Client:
    return Client(caller=Caller(tenant="t", subject=subject), token=token)


async def test_client_credentials_are_asked_for_as_the_standard_has_it() -> None:
    async with world() as found:
        assert await found.call() == "Bearer token-1"
        assert found.forms() == [
            {"grant_type": "client_credentials", "scope": "read write", "audience": "https://up.example.com"}
        ]
        (asked,) = found.endpoint.asked
        user, _, password = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode().partition(":")
        assert (user, password) == ("a+client", "cl%21ent+s3cret")
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"


async def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    async with world() as found:
        for _ in range(3):
            assert await found.call() == "Bearer token-1"
        found.clock.advance(569)
        assert await found.call(of("somebody else", None)) == "Bearer token-1"
        found.clock.advance(2)
        assert await found.call() == "Bearer token-2"
        assert len(found.endpoint.asked) == 2


async def test_many_calls_at_once_fetch_one_token() -> None:
    async with world() as found:
        assert set(await asyncio.gather(*(found.call() for _ in range(10)))) == {"Bearer token-1"}
        assert len(found.endpoint.asked) == 1


async def test_who_gives_up_does_not_take_the_token_from_the_others() -> None:
    async with world() as found:
        first, second = asyncio.create_task(found.call()), asyncio.create_task(found.call())
        await until(lambda: bool(found.endpoint.asked))
        first.cancel()
        assert await second == "Bearer token-1"
        assert len(found.endpoint.asked) == 1


async def test_the_callers_token_is_exchanged_and_goes_nowhere_else() -> None:
    async with world("token_exchange") as found:
        assert await found.call(of("ann", SUBJECT)) == "Bearer token-1"
        (form,) = found.forms()
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"
        assert form["subject_token"] == SUBJECT
        assert form["subject_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
        assert form["audience"] == "https://up.example.com"
        assert SUBJECT not in str(found.upstream.asked)


async def test_each_caller_has_an_exchanged_token_of_their_own() -> None:
    async with world("token_exchange") as found:
        ann, bob = of("ann", SUBJECT), of("bob", SUBJECT)
        renewed = replace(ann, token="anns-next-token")
        assert [await found.call(client) for client in (ann, bob, ann, renewed, bob)] == [
            "Bearer token-1", "Bearer token-2", "Bearer token-1", "Bearer token-3", "Bearer token-2",
        ]  # fmt: skip


async def test_without_a_token_there_is_nothing_to_exchange() -> None:
    async with world("token_exchange") as found:
        with pytest.raises(UpstreamRefused):
            await found.call(of("ann", None))
        assert not found.endpoint.asked
        assert not found.upstream.asked


async def test_a_token_that_is_refused_is_fetched_anew_once() -> None:
    async with world() as found:
        await found.call()
        found.revoked.add("Bearer token-1")
        assert await found.call() == "Bearer token-2"
        assert len(found.endpoint.asked) == 2
        found.revoked |= {"Bearer token-2", "Bearer token-3"}
        with pytest.raises(UpstreamRefused):
            await found.call()
        assert len(found.endpoint.asked) == 3


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        ("400 Bad Request", {"error": "invalid_client", "error_description": SECRET}, UpstreamRefused),
        ("401 Unauthorized", {}, UpstreamRefused),
        ("400 Bad Request", {"error": f"bad {SUBJECT}"}, UpstreamRefused),
        ("500 Oops", {}, UpstreamUnreachable),
        ("429 Slow", {}, UpstreamUnreachable),
        ("200 OK", {}, UpstreamUnreachable),
        ("200 OK", {"access_token": "a b\r\nx: y", "token_type": "Bearer"}, UpstreamUnreachable),
        ("200 OK", {"access_token": 7, "token_type": "Bearer"}, UpstreamUnreachable),
        ("200 OK", {"access_token": "abc", "token_type": "mac"}, UpstreamUnreachable),
        ("302 Found", {"access_token": "abc", "token_type": "Bearer"}, UpstreamRefused),
    ],
)
async def test_an_endpoint_that_gives_no_token_is_told_without_secrets(
    status: str, answer: dict[str, object], error: type[GatewayError]
) -> None:
    async with world("token_exchange", answer=answer, status=status) as found:
        with pytest.raises(error) as fault:
            await found.call(of("ann", SUBJECT))
        said = str(fault.value.to_dict())
        assert not [word for word in (SECRET, SUBJECT, "abc", "s3cret") if word in said]
        assert not found.upstream.asked


async def test_a_token_endpoint_is_reached_only_where_requests_may_go() -> None:
    async with world() as found:
        credential = Credential(kind="client_credentials", token_url="http://169.254.169.254/token", client_id="x", secret="y")
        link = modern_link(found.upstream.url, credential=credential)
        with pytest.raises(AddressRefused):
            await link.send(calling())
        await link.close()


@pytest.mark.parametrize(
    "credential",
    [
        Credential(kind="bearer", secret="a\r\nb"),
        Credential(kind="bearer", secret=""),
        Credential(kind="bearer", secret="schlüssel"),
        Credential(kind="header", header="x y", secret="s3cret"),
        Credential(kind="header", header="", secret="s3cret"),
        Credential(kind="header", header="Host", secret="s3cret"),
        Credential(kind="header", header="Content-Length", secret="7"),
    ],
)
async def test_a_credential_that_fits_into_no_header_is_refused_when_it_is_set_up(credential: Credential) -> None:
    with pytest.raises(UpstreamRefused) as refused:
        modern_link("http://127.0.0.1:1/", credential=credential)
    assert not credential.secret or credential.secret not in str(refused.value.to_dict())


async def test_short_lived_tokens_are_used_for_most_of_their_life() -> None:
    async with world(answer={"access_token": "short", "token_type": "bearer", "expires_in": 20}) as found:
        await found.call()
        found.clock.advance(17)
        await found.call()
        assert len(found.endpoint.asked) == 1
        found.clock.advance(2)
        await found.call()
        assert len(found.endpoint.asked) == 2


def test_no_credential_needs_no_line() -> None:
    def never(_: Credential) -> object:
        raise AssertionError

    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    assert presenter(Credential(), Faults("up"), clock=clock, endpoint=never).fixed == (b"", None)  # type: ignore[arg-type]  # never called
