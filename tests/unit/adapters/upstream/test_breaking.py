"""Servers and models that keep failing are left alone, and found again by themselves."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from mcp_gateway.adapters.breaking_drafter import MODEL_POLICY, BreakingDrafter
from mcp_gateway.adapters.language_models import ModelOutputUnusable, ModelUnavailable
from mcp_gateway.adapters.upstream.breaking import SERVER_POLICY, BreakingServer
from mcp_gateway.ask.errors import UpstreamToolError
from mcp_gateway.ask.model import Draft, DraftRequest
from mcp_gateway.ask.ports import ResourceContent, ResourceListing
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import GatewayError, Json, MCPConnectionError, TimedOut
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.kit.breaker.breaker import CircuitBreaker

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LISTING = ResourceListing(resources=())


class Part:
    """A server and a model in one, that fails as long as it is told to."""

    name, connected, protocol = "tables", True, "2026-07-28"

    def __init__(self) -> None:
        self.calls = 0
        self.error: GatewayError | None = None

    def _called(self) -> None:
        self.calls += 1
        if self.error is not None:
            raise self.error

    async def connect(self) -> None:
        self._called()

    async def close(self) -> None: ...

    async def list_resources(self) -> ResourceListing:
        self._called()
        return LISTING

    async def list_tools(self) -> tuple[str, ...]:
        self._called()
        return ()

    async def read_resource(self, uri: str) -> ResourceContent:
        self._called()
        return ResourceContent(uri=uri, text="")

    async def call_tool(self, name: str, arguments: Mapping[str, Json]) -> dict[str, Json]:
        self._called()
        return {"name": name}

    async def watch_resources(self, uris: Sequence[str], on_change: Callable[[str], None], on_end: Callable[[], None]) -> bool:
        self._called()
        return True

    async def draft(self, request: DraftRequest) -> Draft:
        self._called()
        return Draft(source="model", readings=(), confident=False)


def guarded(part: Part, clock: FixedClock) -> BreakingServer:
    return BreakingServer(part, CircuitBreaker("mcp_tables", SERVER_POLICY, clock=clock))


async def fail(server: BreakingServer, times: int) -> None:
    for _ in range(times):
        with pytest.raises(GatewayError):
            await server.call_tool("execute_query", {})


@pytest.mark.parametrize("error", [MCPConnectionError(), TimedOut()])
async def test_a_server_that_keeps_failing_is_not_called_and_says_when_to_come_back(error: GatewayError) -> None:
    part, clock = Part(), FixedClock(NOW)
    server, part.error = guarded(part, clock), error
    await fail(server, SERVER_POLICY.minimum_calls)
    calls = part.calls
    with pytest.raises(MCPConnectionError, match="not called for now") as refused:
        await server.list_resources()
    assert part.calls == calls
    assert refused.value.retry_after_seconds == pytest.approx(SERVER_POLICY.open_seconds)
    assert refused.value.data["circuit"] == "open"


async def test_a_server_that_is_back_is_used_again() -> None:
    part, clock = Part(), FixedClock(NOW)
    server, part.error = guarded(part, clock), MCPConnectionError()
    await fail(server, SERVER_POLICY.minimum_calls)
    part.error = None
    clock.advance(SERVER_POLICY.open_seconds)
    for _ in range(2 * SERVER_POLICY.probes):
        assert await server.call_tool("execute_query", {}) == {"name": "execute_query"}


SAID = UpstreamToolError("No such table.", server="tables", tool="execute_query")


@pytest.mark.parametrize("error", [SAID, MCPConnectionError(retry_after_seconds=1.0)])
async def test_what_a_server_answers_and_what_was_never_sent_open_nothing(error: GatewayError) -> None:
    part, clock = Part(), FixedClock(NOW)
    server, part.error = guarded(part, clock), error
    await fail(server, 5 * SERVER_POLICY.minimum_calls)
    assert part.calls == 5 * SERVER_POLICY.minimum_calls


async def test_connecting_always_tries() -> None:
    part, clock = Part(), FixedClock(NOW)
    server, part.error = guarded(part, clock), MCPConnectionError()
    await fail(server, SERVER_POLICY.minimum_calls)
    part.error = None
    await server.connect()
    await server.close()


async def test_a_model_that_keeps_failing_is_not_asked_and_one_that_talks_nonsense_is() -> None:
    part, clock = Part(), FixedClock(NOW)
    drafter = BreakingDrafter(part, CircuitBreaker("model", MODEL_POLICY, clock=clock))
    request = DraftRequest(question="how many?", schema=DatabaseSchema(dialect="duckdb", tables=()), now=NOW)
    part.error = ModelOutputUnusable()
    for _ in range(3 * MODEL_POLICY.minimum_calls):
        with pytest.raises(ModelOutputUnusable):
            await drafter.draft(request)
    part.error = ModelUnavailable()
    for _ in range(3 * MODEL_POLICY.minimum_calls):
        with pytest.raises(ModelUnavailable):
            await drafter.draft(request)
    calls = part.calls
    with pytest.raises(ModelUnavailable, match="not asked for now"):
        await drafter.draft(request)
    assert part.calls == calls
    part.error = None
    clock.advance(MODEL_POLICY.open_seconds)
    assert (await drafter.draft(request)).source == "model"
