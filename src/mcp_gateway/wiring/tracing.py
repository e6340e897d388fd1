"""Whether traces are collected: where the usual variables of OpenTelemetry say where to."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final

import structlog

from mcp_gateway.federation.filters.trace import Tracing
from mcp_gateway.settings import process_environment

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
log = structlog.get_logger(__name__)


@contextmanager
def open_tracing() -> Iterator[Tracing | None]:
    """None: nobody collects traces, and none are made."""
    environment = process_environment()
    if not any(environment.get(name) for name in ENDPOINTS):
        yield None
        return
    try:
        from mcp_gateway.adapters.tracing import exported_tracing  # noqa: PLC0415 - an optional extra

        tracing = exported_tracing(version("mcp-gateway"))
    except ImportError:
        log.warning("traces_not_exported", reason="the extra is not installed", hint='pip install "mcp-gateway[tracing]"')
        yield None
        return
    with tracing as opened:
        yield opened
