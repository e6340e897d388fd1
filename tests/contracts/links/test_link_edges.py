"""What holds at the edges of every kind of link: ids, long answers, leaving early, credentials, servers that are gone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.upstreams.conformance.server import ConformanceServer
from tests.upstreams.conformance_fixture import http_app, sse_app
from tests.upstreams.inside import in_process_link
from tests.upstreams.older import any_era_link, calling, messages, program_link, serving, words
from tests.upstreams.reaching import CLIENT, modern_link
from tests.warm.process import borrowed

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import parse_object
from mcp_gateway.federation.errors import UpstreamUnreachable
from mcp_gateway.federation.ports import Link
from mcp_gateway.registry.model import Command

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]


def fixture() -> Command:
    program, *arguments = borrowed("tests.upstreams.conformance_fixture", "--transport", "stdio")
    return Command(program=program, arguments=tuple(arguments), directory=str(ROOT))


@asynccontextmanager
async def over_http(era: str, *, knowing: bool = False) -> AsyncIterator[Link]:
    """`knowing`: the era need not be found out."""
    async with serving(http_app(ConformanceServer(), era)) as origin:
        if knowing:
            link = modern_link(f"{origin}/mcp")
            yield link
            await link.close()
        else:
            async with any_era_link(f"{origin}/mcp") as found:
                yield found


@asynccontextmanager
async def over_sse() -> AsyncIterator[Link]:
    async with serving(sse_app(ConformanceServer())) as origin, any_era_link(f"{origin}/sse") as link:
        yield link


KINDS: dict[str, Callable[[], AbstractAsyncContextManager[Link]]] = {
    "modern": lambda: over_http("modern", knowing=True),
    "in process": lambda: in_process_link(http_app(ConformanceServer())),
    "found modern": lambda: over_http("modern"),
    "found both": lambda: over_http("both"),
    "found legacy": lambda: over_http("legacy"),
    "found sse": over_sse,
    "stdio": lambda: program_link(fixture(), environment={"PYTHONPATH": str(ROOT)}),
}


@pytest.fixture(params=list(KINDS))
async def link(request: pytest.FixtureRequest) -> AsyncIterator[Link]:
    async with KINDS[request.param]() as found:
        yield found


async def test_a_call_is_answered_under_its_own_id(link: Link) -> None:
    for request_id in (7, "seven", 2**53):
        reply = await link.send(replace(calling("test_simple_text"), id=request_id))
        (message,) = await messages(reply)
        assert message["id"] == request_id
        assert reply.status == 200


async def test_a_long_answer_arrives_whole(link: Link) -> None:
    reply = await link.send(calling("probe_bytes", {"size": 700_000}))
    if reply.chunks is not None:
        message = parse_object(b"".join([piece async for piece in reply.chunks]))
    else:
        message = (await messages(reply))[-1]
    assert str(message).count("x") >= 700_000 or len(str(message)) > 700_000


async def test_a_call_nobody_waits_for_any_more_is_cancelled_at_the_server(link: Link) -> None:
    await link.facts(CLIENT)
    call = asyncio.create_task(link.send(calling("probe_sleep", {"seconds": 60, "label": "left"})))
    await became(link, "left", "running")
    call.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        reply = await call
        await reply.close()
    await became(link, "left", "cancelled")


async def became(link: Link, label: str, state: str) -> None:
    async with asyncio.timeout(20):
        while f'"{label}": "{state}"' not in await words(await link.send(calling("probe_sleeps"))):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_the_server_knows_the_client_by_what_it_declared_and_not_by_its_credential(link: Link) -> None:
    caller = Caller(tenant="t", subject="ann")
    client = replace(CLIENT, caller=caller, capabilities={"sampling": {}}, token="callers-own-token")
    seen = await words(await link.send(calling("probe_request", {}, client)))
    assert "sampling" in seen
    assert "callers-own-token" not in seen


async def test_a_closed_link_ends_what_is_under_way_and_starts_nothing(link: Link) -> None:
    call = asyncio.create_task(_all(link))
    await became(link, "ending", "running")
    await link.close()
    with pytest.raises(GatewayError):
        await asyncio.wait_for(call, 20)
    await link.close()


async def _all(link: Link) -> None:
    await messages(await link.send(calling("probe_sleep", {"seconds": 60, "label": "ending"})))


async def test_a_server_that_is_not_there_is_told_by_its_name() -> None:
    async with serving(http_app(ConformanceServer())) as origin:
        pass
    async with any_era_link(f"{origin}/mcp") as found:
        plain = modern_link(f"{origin}/mcp")
        for gone in (found, plain):
            with pytest.raises(UpstreamUnreachable) as fault:
                await gone.send(calling("test_simple_text"))
            assert fault.value.data["server"] == "up"
        await plain.close()
