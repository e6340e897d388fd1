"""The kit's figures as a scraper reads them."""

import pytest
from prometheus_client.registry import CollectorRegistry

from mcp_gateway.kit.figures import Figures, Metric
from mcp_gateway.kit.prometheus import PrometheusFigures, render_figures

CALLS = Metric(name="calls", help="Calls made", kind="counter", labels=("tenant", "outcome"))
OPEN = Metric(name="open", help="Calls under way", kind="gauge")
TOOK = Metric(name="call_seconds", help="How long a call took", kind="histogram", labels=("outcome",), bounds=(0.1, 1.0))
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def page(figures: PrometheusFigures, accept: str = "") -> str:
    registry = CollectorRegistry()
    registry.register(figures)
    return render_figures(registry, accept)[0].decode()


def test_every_kind_of_instrument_is_on_the_page() -> None:
    sink = PrometheusFigures(namespace="kit")
    figures: Figures = sink
    figures.counter(CALLS, tenant="acme", outcome="ok").add(2)
    figures.gauge(OPEN).set(3)
    figures.histogram(TOOK, outcome="ok").observe(0.1)
    text = page(sink)
    assert 'kit_calls_total{outcome="ok",tenant="acme"} 2.0' in text
    assert "kit_open 3.0" in text
    assert 'kit_call_seconds_bucket{le="0.1",outcome="ok"} 1.0' in text
    assert 'kit_call_seconds_sum{outcome="ok"} 0.1' in text


def test_the_same_labels_give_the_same_instrument() -> None:
    figures = PrometheusFigures()
    assert figures.counter(CALLS, tenant="a", outcome="ok") is figures.counter(CALLS, outcome="ok", tenant="a")


def test_a_measurement_on_an_edge_counts_below_it_and_one_above_all_edges_is_kept() -> None:
    figures = PrometheusFigures()
    took = figures.histogram(TOOK, outcome="ok")
    for value in (1.0, 5.0):
        took.observe(value)
    text = page(figures)
    assert 'le="1.0",outcome="ok"} 1.0' in text
    assert 'le="+Inf",outcome="ok"} 2.0' in text


def test_tenants_beyond_the_bound_are_counted_together() -> None:
    figures = PrometheusFigures(max_tenants=2)
    for tenant in ("a", "b", "c", "d", "a"):
        figures.counter(CALLS, tenant=tenant, outcome="ok").add()
    text = page(figures)
    assert 'tenant="a"} 2.0' in text
    assert 'tenant="other"} 2.0' in text
    assert 'tenant="c"' not in text


def test_series_beyond_the_bound_are_counted_together() -> None:
    figures = PrometheusFigures(max_series=2)
    for outcome in ("a", "b", "c", "d"):
        figures.counter(CALLS, tenant="t", outcome=outcome).add()
    assert 'kit_calls_total{outcome="other",tenant="other"} 2.0' in page(figures)


def test_a_label_that_is_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="calls carries the labels"):
        PrometheusFigures().counter(CALLS, tenant="t")


def test_a_traced_measurement_is_the_exemplar_of_its_bucket() -> None:
    traces = iter(["4bf92f3577b34da6a3ce929d0e0e4736", None])
    figures = PrometheusFigures(trace_id=lambda: next(traces))
    took = figures.histogram(TOOK, outcome="ok")
    took.observe(0.5)
    took.observe(0.5)
    assert '# {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 0.5' in page(figures, OPEN_METRICS)
    assert "trace_id" not in page(figures)


def test_a_name_that_is_no_valid_text_or_very_long_does_not_spoil_the_page() -> None:
    figures = PrometheusFigures()
    for _ in range(2):
        figures.counter(CALLS, tenant="a\ud800\n", outcome="ok").add()
    figures.counter(CALLS, tenant="b" * 10_000, outcome="ok").add()
    for accept in ("", OPEN_METRICS):
        text = page(figures, accept)
        assert 'tenant="a\\\\ud800\\n"} 2.0' in text
        assert len(text) < 2_000
