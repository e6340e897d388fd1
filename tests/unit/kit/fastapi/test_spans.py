"""What a request's span says, and which trace an exemplar names."""

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.fastapi.passage import Call
from mcp_gateway.kit.fastapi.spans import current_trace_id, note_call
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.rules import Rule

pytestmark = pytest.mark.anyio

TRACE = 0x4BF92F3577B34DA6A3CE929D0E0E4736


class Recording(NonRecordingSpan):
    """A span that keeps its attributes."""

    def __init__(self, flags: int = TraceFlags.SAMPLED) -> None:
        super().__init__(SpanContext(TRACE, 1, is_remote=False, trace_flags=TraceFlags(flags)))
        self.said: dict[str, Any] = {}

    def is_recording(self) -> bool:
        return True

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self.said.update(attributes)


async def test_the_span_says_who_called_what_and_how_it_was_decided() -> None:
    call, span = Call(Caller(tenant="acme", subject="ann"), "items.read"), Recording()
    call.decision = await EnterpriseRateLimiter([Rule(name="tenant", limit=1, window_seconds=1)]).decide(
        call.caller, "items.read"
    )
    with trace.use_span(span):
        note_call(call)
    assert span.said == {
        "kit.tenant": "acme",
        "kit.operation": "items.read",
        "kit.limits.allowed": True,
        "kit.limits.decided_by": "store",
    }


def test_only_a_sampled_trace_is_named() -> None:
    assert current_trace_id() is None
    with trace.use_span(Recording()):
        assert current_trace_id() == "4bf92f3577b34da6a3ce929d0e0e4736"
    with trace.use_span(Recording(flags=0)):
        assert current_trace_id() is None
