"""Spans lie one within the other, from the client to its server."""

from collections.abc import AsyncIterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mcp_gateway.access.act import Act
from mcp_gateway.access.policy.model import Target
from mcp_gateway.adapters.tracing import OpenTelemetryTracing
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.errors import UpstreamLost
from mcp_gateway.federation.filters.trace import Trace
from mcp_gateway.federation.model import Client, Reply, Request
from mcp_gateway.federation.pipeline import Passage
from mcp_gateway.federation.views import Route, View
from mcp_gateway.registry.model import Server

pytestmark = pytest.mark.anyio

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
DONE = b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete"}}'
FAILED = b'{"jsonrpc":"2.0","id":1,"result":{"isError":true}}'


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def trace(exporter: InMemorySpanExporter) -> Trace:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Trace(OpenTelemetryTracing(provider.get_tracer("tests")))


def passage(*, headers: dict[str, str] | None = None, meta: JsonObject | None = None) -> Passage:
    trace = tuple((name.encode(), value.encode()) for name, value in (headers or {}).items())
    client = Client(caller=Caller(tenant="t", subject="ann"), trace=trace)
    params: JsonObject = {"name": "echo", **({"_meta": meta} if meta else {})}
    request = Request(id=1, method="tools/call", params=params, client=client, body=b"{}")
    act = Act(action="call_tool", target=Target(server="up", tool="echo"))
    return Passage(View(kind="all"), request, Route(server=Server(name="up"), name="echo"), act)


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exporter.get_finished_spans()
    return span


async def answered(_: Passage) -> Reply:
    return Reply(body=DONE)


async def test_the_span_lies_within_the_clients_and_the_server_within_it(trace: Trace, exporter: InMemorySpanExporter) -> None:
    one = passage(headers={"traceparent": PARENT})
    await trace(one, answered)
    span = only(exporter)
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"
    ((name, sent),) = one.request.client.trace
    assert (name, sent) == (b"traceparent", f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01".encode())
    assert one.request.body == b"{}"


async def test_a_trace_told_in_meta_is_passed_on_there(trace: Trace, exporter: InMemorySpanExporter) -> None:
    one = passage(meta={"traceparent": PARENT, "kept": 1})
    await trace(one, answered)
    meta = one.request.params["_meta"]
    assert isinstance(meta, dict)
    assert (meta["kept"], one.request.body) == (1, None)
    assert f"{only(exporter).context.span_id:016x}" in str(meta["traceparent"])


async def test_a_request_without_a_trace_begins_one_with_its_names(trace: Trace, exporter: InMemorySpanExporter) -> None:
    await trace(passage(), answered)
    span = only(exporter)
    assert (span.name, span.parent) == ("tools/call echo", None)
    assert span.attributes is not None
    assert (span.attributes["mcp.server"], span.attributes["gen_ai.tool.name"]) == ("up", "echo")


@pytest.mark.parametrize(("body", "error"), [(DONE, None), (FAILED, "TOOL_ERROR")])
async def test_a_span_says_how_it_ended(trace: Trace, exporter: InMemorySpanExporter, body: bytes, error: str | None) -> None:
    async def events() -> AsyncIterator[bytes]:
        yield body

    async def streamed(_: Passage) -> Reply:
        return Reply(events=events())

    reply = await trace(passage(), streamed)
    assert exporter.get_finished_spans() == ()
    assert reply.events is not None
    assert [message async for message in reply.events] == [body]
    attributes = only(exporter).attributes
    assert attributes is not None
    assert attributes.get("error.type") == error


async def test_an_error_on_the_way_ends_the_span(trace: Trace, exporter: InMemorySpanExporter) -> None:
    async def lost(_: Passage) -> Reply:
        raise UpstreamLost(server="up")

    with pytest.raises(UpstreamLost):
        await trace(passage(), lost)
    attributes = only(exporter).attributes
    assert attributes is not None
    assert attributes["error.type"] == "UPSTREAM_LOST"
