"""How a connection over HTTP takes what servers and networks do to it."""

import asyncio
import gzip
import logging
import random
from datetime import UTC, datetime

import pytest
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tests.live_servers import Scripted, answering, free_port, http_app, served, sse_app
from tests.warm.process import borrowed

from mcp_gateway.adapters.upstream import McpServer, remote_server
from mcp_gateway.ask.configuration import MCPServerConfig
from mcp_gateway.ask.errors import UpstreamToolError
from mcp_gateway.core.clock import FixedClock, SystemClock
from mcp_gateway.core.errors import MCPConnectionError, ResourceFetchError, TimedOut

pytestmark = pytest.mark.anyio

GREETING = "demo://greeting"


class Naps:
    """Sleeps that take no time, remembered."""

    def __init__(self, clock: FixedClock | None = None) -> None:
        self.taken: list[float] = []
        self._clock = clock

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        if self._clock is not None:
            self._clock.advance(seconds)
        await asyncio.sleep(0)


class Breaking:
    """Carries out the first few calls and readings, and then, in place of an answer, breaks off or says it is busy."""

    def __init__(self, app: ASGIApp, *, times: int, status: int = 0) -> None:
        self._app, self._left, self._status = app, times, status
        self.broken = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = dict(scope.get("headers", ())).get(b"mcp-method")
        if method not in (b"resources/read", b"tools/call") or not self._left:
            await self._app(scope, receive, send)
            return
        self._left -= 1
        self.broken += 1

        async def swallow(_: Message) -> None:
            return

        await self._app(scope, receive, swallow)
        promised = [(b"content-type", b"application/json"), (b"content-length", b"0" if self._status else b"100")]
        await send({"type": "http.response.start", "status": self._status or 200, "headers": promised})
        await send({"type": "http.response.body", "body": b"" if self._status else b"{"})


@pytest.fixture
def fixed_clock() -> FixedClock:
    return FixedClock(datetime(2026, 1, 1, tzinfo=UTC))


def reach(url: str, *, naps: Naps | None = None, clock: FixedClock | None = None, **settings: object) -> McpServer:
    patient = {"connect_timeout_seconds": 60.0, "timeout_seconds": 60.0, "tool_timeout_seconds": 60.0}
    config = MCPServerConfig(key="demo", name="Demo", priority=1, url=url, **{**patient, **settings})  # type: ignore[arg-type]  # a test's own words
    return remote_server(config, sleep=naps or Naps(), clock=clock or SystemClock(), chance=random.Random(1))  # noqa: S311  # jitter


async def test_a_server_that_is_down_is_tried_again_with_growing_random_pauses(fixed_clock: FixedClock) -> None:
    naps = Naps(fixed_clock)
    server = reach(f"http://127.0.0.1:{free_port()}/mcp?key=s3cret", naps=naps, clock=fixed_clock, max_retries=4)
    with pytest.raises(MCPConnectionError) as caught:
        await server.connect()
    assert len(naps.taken) == 4
    assert all(0 <= nap <= 0.2 * 2**retry for retry, nap in enumerate(naps.taken))
    assert caught.value.data["server"] == "demo"
    assert caught.value.data["tries"] == 5
    assert "connection refused" in caught.value.message
    assert "s3cret" not in str(caught.value.to_dict())


async def test_tries_end_when_their_time_is_over(fixed_clock: FixedClock) -> None:
    naps = Naps(fixed_clock)
    url = f"http://127.0.0.1:{free_port()}/mcp"
    server = reach(url, naps=naps, clock=fixed_clock, max_retries=10, retry_for_seconds=0.1)
    with pytest.raises(MCPConnectionError):
        await server.connect()
    assert sum(naps.taken) < 0.1


async def test_after_a_failure_calls_fail_at_once_until_a_pause_is_over(fixed_clock: FixedClock) -> None:
    port, naps = free_port(), Naps()
    server = reach(f"http://127.0.0.1:{port}/mcp", naps=naps, clock=fixed_clock, max_retries=1)
    for _ in range(3):
        with pytest.raises(MCPConnectionError):
            await server.read_resource(GREETING)
    assert len(naps.taken) == 1
    async with served(http_app(Scripted()), port=port):
        with pytest.raises(MCPConnectionError) as caught:
            await server.read_resource(GREETING)
        assert caught.value.retry_after_seconds == 1.0
        fixed_clock.advance(1.1)
        assert (await server.read_resource(GREETING)).text == "hello"
        await server.close()


async def test_a_server_that_stays_down_costs_each_later_question_one_try_and_pauses_grow(fixed_clock: FixedClock) -> None:
    naps = Naps()
    server = reach(f"http://127.0.0.1:{free_port()}/mcp", naps=naps, clock=fixed_clock, max_retries=2)
    pauses = []
    for _ in range(7):
        await asyncio.gather(*(server.read_resource(GREETING) for _ in range(3)), return_exceptions=True)
        with pytest.raises(MCPConnectionError) as caught:
            await server.read_resource(GREETING)
        pauses.append(caught.value.retry_after_seconds)
        fixed_clock.advance(30)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert len(naps.taken) == 2


async def test_callers_at_the_same_time_share_one_try(fixed_clock: FixedClock) -> None:
    naps = Naps()
    server = reach(f"http://127.0.0.1:{free_port()}/mcp", naps=naps, clock=fixed_clock, max_retries=2)
    results = await asyncio.gather(*(server.read_resource(GREETING) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(result, MCPConnectionError) for result in results)
    assert len(naps.taken) == 2


@pytest.mark.parametrize("protocol", ["auto", "legacy"])
async def test_a_restarted_server_is_reached_again(protocol: str) -> None:
    port = free_port()
    server = reach(f"http://127.0.0.1:{port}/mcp", protocol=protocol)
    async with served(http_app(Scripted()), port=port):
        assert (await server.read_resource(GREETING)).text == "hello"
        await server.call_tool("echo", {})
    async with served(http_app(Scripted({GREETING: "again"})), port=port):
        assert (await server.read_resource(GREETING)).text == "again"
        assert await server.call_tool("echo", {"a": 1}) == {"echo": {"a": 1}}
        await server.close()


async def test_over_sse_a_restarted_server_is_reached_again() -> None:
    port = free_port()
    server = reach(f"http://127.0.0.1:{port}/sse", transport="sse")
    async with served(sse_app(Scripted()), port=port, lifespan=False):
        assert (await server.read_resource(GREETING)).text == "hello"
    async with served(sse_app(Scripted({GREETING: "again"})), port=port, lifespan=False):
        assert (await server.read_resource(GREETING)).text == "again"
        await server.close()


async def test_a_tool_that_the_server_may_have_seen_is_not_called_twice() -> None:
    scripted = Scripted()
    async with served(Breaking(http_app(scripted), times=1)) as base:
        server = reach(f"{base}/mcp")
        with pytest.raises(MCPConnectionError, match="connection broke"):
            await server.call_tool("echo", {})
        assert scripted.asked.count("echo") == 1
        await server.close()


async def test_a_reading_is_repeated_when_the_connection_breaks_under_it() -> None:
    breaking = Breaking(http_app(Scripted()), times=2)
    async with served(breaking) as base:
        server = reach(f"{base}/mcp")
        assert (await server.read_resource(GREETING)).text == "hello"
        assert breaking.broken == 2
        await server.close()


async def test_a_busy_server_is_asked_again() -> None:
    breaking = Breaking(http_app(Scripted()), times=2, status=503)
    async with served(breaking) as base:
        server = reach(f"{base}/mcp")
        assert (await server.read_resource(GREETING)).text == "hello"
        await server.close()


@pytest.mark.parametrize(
    ("app", "words"),
    [
        (answering(b"{not json"), "cannot be used"),
        (answering(b'{"hello": "world"}'), "cannot be used"),
        (answering(b"<html>Welcome</html>", content_type="text/html"), "cannot be used"),
        (answering(b"", status=202), "cannot be used"),
        (answering(b"no", status=404, content_type="text/plain"), "HTTP 404"),
        (answering(b"{}", status=401), "HTTP 401: check the headers"),
        (answering(b"", status=307, headers={"location": "http://example.org/mcp"}), "Redirect"),
        (answering(gzip.compress(b"x" * 50_000_000), headers={"content-encoding": "gzip"}), "compressed"),
    ],
)
async def test_what_is_no_mcp_server_is_named_and_not_tried_again(app: ASGIApp, words: str) -> None:
    naps = Naps()
    async with served(app, lifespan=False) as base:
        server = reach(f"{base}/mcp", naps=naps)
        with pytest.raises(MCPConnectionError, match=words):
            await server.connect()
    assert naps.taken == []


async def test_a_server_that_accepts_and_never_answers_is_given_up_in_time() -> None:
    async def silent(_: Scope, __: Receive, ___: Send) -> None:
        await asyncio.Event().wait()

    async with served(silent, lifespan=False) as base:
        server = reach(f"{base}/mcp", connect_timeout_seconds=0.2)
        with pytest.raises(MCPConnectionError, match="did not answer in time"):
            await server.connect()


async def test_a_hanging_resource_is_given_up_in_time_and_the_server_left_alone_for_a_while(fixed_clock: FixedClock) -> None:
    scripted = Scripted()
    scripted.gate = asyncio.Event()
    async with served(http_app(scripted)) as base:
        server = reach(f"{base}/mcp", timeout_seconds=0.2, clock=fixed_clock)
        for _ in range(2):
            with pytest.raises(TimedOut):
                await server.read_resource(GREETING)
        assert scripted.asked.count(GREETING) == 1
        await server.close()


@pytest.mark.parametrize("protocol", ["auto", "legacy"])
async def test_a_resource_of_ten_megabytes_is_read(protocol: str) -> None:
    large = "x" * 10_000_000
    async with served(http_app(Scripted({"demo://large": large}))) as base:
        server = reach(f"{base}/mcp", protocol=protocol, max_response_bytes=12_000_000)
        assert (await server.read_resource("demo://large")).text == large
        await server.close()


async def test_over_sse_a_resource_of_ten_megabytes_is_read() -> None:
    large = "x" * 10_000_000
    async with served(sse_app(Scripted({"demo://large": large})), lifespan=False) as base:
        server = reach(f"{base}/sse", transport="sse", max_response_bytes=12_000_000)
        assert (await server.read_resource("demo://large")).text == large
        await server.close()


async def test_a_server_from_before_2026_is_spoken_to_in_its_own_way() -> None:
    async with served(http_app(Scripted(), legacy_only=True)) as base:
        server = reach(f"{base}/mcp")
        await server.connect()
        assert server.protocol == "2025-11-25"
        assert (await server.read_resource(GREETING)).text == "hello"
        await server.close()


async def test_a_server_of_the_wrong_era_is_refused_when_the_configuration_insists() -> None:
    async with served(http_app(Scripted(), legacy_only=True)) as base:
        server = reach(f"{base}/mcp", protocol="modern")
        with pytest.raises(MCPConnectionError, match="speaks revision 2025-11-25"):
            await server.connect()


async def test_a_server_that_restarts_ends_the_watch() -> None:
    port = free_port()
    ended = asyncio.Event()
    server = reach(f"http://127.0.0.1:{port}/mcp")
    async with served(http_app(Scripted()), port=port):
        assert await server.watch_resources([GREETING], lambda _: None, ended.set)
        assert not ended.is_set()
    async with asyncio.timeout(60):
        await ended.wait()
    await server.close()


async def test_no_credentials_reach_errors_or_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with served(answering(b"{}", status=403), lifespan=False) as base:
        server = reach(f"{base}/mcp?token=s3cret", headers={"authorization": "Bearer s3cret"})
        with structlog.testing.capture_logs() as logs, pytest.raises(MCPConnectionError) as caught:
            await server.connect()
    assert "s3cret" not in f"{logs}{caplog.text}{caught.value.to_dict()}{server.config}"


async def test_the_configured_headers_are_sent() -> None:
    seen: list[bytes] = []
    inner = http_app(Scripted())

    async def watching(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend(value for name, value in scope.get("headers", ()) if name == b"x-api-key")
        await inner(scope, receive, send)

    async with served(watching) as base:
        server = reach(f"{base}/mcp", headers={"X-Api-Key": "k1"})
        await server.call_tool("echo", {})
        await server.close()
    assert set(seen) == {b"k1"}


async def test_a_command_that_does_not_exist_is_named() -> None:
    config = MCPServerConfig(key="demo", name="Demo", priority=1, transport="stdio", command="/no/such/program", max_retries=0)
    with pytest.raises(MCPConnectionError, match="cannot be started"):
        await remote_server(config).connect()


async def test_a_tools_refusal_by_protocol_is_not_a_connection_error() -> None:
    async with served(http_app(Scripted())) as base:
        server = reach(f"{base}/mcp")
        with pytest.raises(UpstreamToolError):
            await server.call_tool("nothing", {})
        with pytest.raises(ResourceFetchError):
            await server.read_resource("demo://nowhere")
        assert server.connected
        await server.close()


async def test_over_sse_an_answer_over_the_limit_is_refused_and_the_next_one_is_read() -> None:
    async with served(sse_app(Scripted({"demo://large": "x" * 3_000_000})), lifespan=False) as base:
        server = reach(f"{base}/sse", transport="sse", max_response_bytes=2_000_000)
        with pytest.raises(ResourceFetchError, match="larger than max_response_bytes"):
            await server.read_resource("demo://large")
        assert (await server.read_resource(GREETING)).text == "hello"
        await server.close()


async def test_over_sse_a_server_cannot_send_the_credentials_elsewhere() -> None:
    stream = b"event: endpoint\ndata: http://example.org/messages\n\n"
    async with served(answering(stream, content_type="text/event-stream"), lifespan=False) as base:
        server = reach(f"{base}/sse", transport="sse", max_retries=0)
        with pytest.raises(MCPConnectionError):
            await server.connect()


async def test_a_stdio_server_that_dies_is_started_again_and_its_watch_ends() -> None:
    command, *arguments = borrowed("tests.live_servers")
    config = MCPServerConfig(
        key="demo", name="Demo", priority=1, transport="stdio", command=command, args=tuple(arguments), connect_timeout_seconds=60
    )
    server, ended = remote_server(config, sleep=Naps()), asyncio.Event()
    await server.connect()
    assert await server.watch_resources([GREETING], lambda _: None, ended.set)
    with pytest.raises(MCPConnectionError):
        await server.call_tool("quit", {})
    async with asyncio.timeout(60):
        await ended.wait()
    assert (await server.read_resource(GREETING)).text == "hello"
    await server.close()
