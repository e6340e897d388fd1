"""What the kit writes to the OpenTelemetry span of a request, and the trace id for exemplars.

FastAPI makes the span when the application configures a tracer provider (`FastAPI(telemetry=...)`); without one nothing happens.
"""

from opentelemetry import trace

from mcp_gateway.kit.fastapi.passage import Call


def note_call(call: Call) -> None:
    """Tenant, operation and how its limits were decided, as attributes of the current span."""
    span = trace.get_current_span()
    if not span.is_recording():
        return
    span.set_attributes({"kit.tenant": call.tenant, "kit.operation": call.operation})
    if call.decision is not None:
        span.set_attributes({"kit.limits.allowed": call.decision.allowed, "kit.limits.decided_by": call.decision.decided_by})


def current_trace_id() -> str | None:
    """The trace id of the current span when it is sampled: what `PrometheusFigures(trace_id=...)` wants."""
    context = trace.get_current_span().get_span_context()
    return format(context.trace_id, "032x") if context.is_valid and context.trace_flags.sampled else None
