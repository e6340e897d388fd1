"""What is measured of calls to an upstream."""

import httpx
import pytest

from mcp_gateway.kit.errors import CircuitOpen, PoolExhausted
from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.resilience.upstream_metrics import UpstreamMetrics, classify


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (httpx.PoolTimeout(""), "pool_timeout"),
        (httpx.ConnectError(""), "connect_error"),
        (httpx.ConnectTimeout(""), "connect_timeout"),
        (httpx.ReadTimeout(""), "read_timeout"),
        (TimeoutError(), "read_timeout"),
        (ConnectionRefusedError(), "connect_error"),
        (httpx.RemoteProtocolError(""), "broken"),
        (CircuitOpen(), "refused_here"),
        (PoolExhausted(), "pool_timeout"),
    ],
)
def test_the_class_of_an_error_says_where_a_call_got_stuck(error: Exception, outcome: str) -> None:
    assert classify(error) == outcome


def test_the_status_of_an_answer_and_an_error_are_outcomes() -> None:
    figures = RecordedFigures()
    metrics = UpstreamMetrics("engine", figures=figures)
    with metrics.call() as first:
        first.placed()
        assert figures.total("upstream_in_flight", upstream="engine") == 1
    with metrics.call() as one:
        one.status = 503
    with pytest.raises(httpx.ConnectError), metrics.call():
        raise httpx.ConnectError("")
    wanted = ("ok", "http_5xx", "connect_error")
    outcomes = [outcome for outcome in wanted if figures.values("upstream_seconds", outcome=outcome)]
    assert tuple(outcomes) == wanted
    assert figures.total("upstream_in_flight") == 0
    assert len(figures.values("upstream_pool_wait_seconds", upstream="engine")) == 1
