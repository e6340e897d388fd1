"""Spans through OpenTelemetry, which is there with the extra `tracing`.

The exporter is configured by its own variables (`OTEL_EXPORTER_OTLP_ENDPOINT` and the rest).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode, Tracer


class OpenTelemetrySpan:
    """Implements `federation.filters.trace.Span`."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def carrier(self) -> Mapping[str, str]:
        headers: dict[str, str] = {}
        propagate.inject(headers, trace.set_span_in_context(self._span))
        return headers

    def end(self, error_code: str) -> None:
        if error_code:
            self._span.set_attribute("error.type", error_code)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


class OpenTelemetryTracing:
    """Implements `federation.filters.trace.Tracing`."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, name: str, carrier: Mapping[str, str], attributes: Mapping[str, str]) -> OpenTelemetrySpan:
        context = propagate.extract(dict(carrier))
        return OpenTelemetrySpan(
            self._tracer.start_span(name, context=context, kind=SpanKind.CLIENT, attributes=dict(attributes))
        )


@contextmanager
def exported_tracing(version: str) -> Iterator[OpenTelemetryTracing]:
    """Spans go out in the background until this ends."""
    provider = TracerProvider(resource=Resource.create({"service.name": "mcp-gateway", "service.version": version}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield OpenTelemetryTracing(provider.get_tracer("mcp_gateway", version))
    finally:
        provider.shutdown()
