"""What a process says of itself."""

import socket

from prometheus_client import CollectorRegistry

from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.prometheus import PrometheusFigures, render_figures
from mcp_gateway.kit.vitals.process import ProcessVitals


def test_memory_and_age_are_told() -> None:
    figures = RecordedFigures()
    ProcessVitals(figures=figures).report()
    assert figures.total("process_rss_bytes") > 1_000_000
    assert figures.total("process_cpu_used_seconds") > 0
    assert figures.total("process_age_seconds") >= 0


def test_sockets_are_counted_by_state_and_those_of_others_are_not() -> None:
    figures = RecordedFigures()
    vitals = ProcessVitals(figures=figures)
    vitals.report()
    before, files = figures.total("process_sockets", state="established"), figures.total("process_fds_open")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as one:
        other, _ = server.accept()
        with other:
            vitals.report()
            assert figures.total("process_sockets", state="established") == before + 2
            assert figures.total("process_fds_open") == files + 3
        assert one.fileno() > 0
    vitals.report()
    assert figures.total("process_sockets", state="established") == before


def test_they_are_read_when_the_page_is() -> None:
    figures = PrometheusFigures(namespace="kit")
    figures.on_collect(ProcessVitals(figures=figures).report)
    registry = CollectorRegistry()
    registry.register(figures)
    text, _ = render_figures(registry, "")
    assert b"kit_process_rss_bytes " in text
    assert b"kit_process_sockets" in text or b"kit_process_fds_open" in text
