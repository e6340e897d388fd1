"""The catalogue is whole: whatever is read or derived is in it, and its signals are all read by somebody."""

from mcp_gateway.adapters.deployment.metric_names import COMMON, OWN
from mcp_gateway.diagnostics.signals.catalogue import CATALOGUE, UPTIMES


def test_every_metric_that_is_understood_is_a_signal_with_its_labels() -> None:
    for name, meaning in OWN.items():
        assert meaning.signal in CATALOGUE, name
        assert set(meaning.labels.values()) <= {*CATALOGUE[meaning.signal].labels}, name
        assert not meaning.counted or meaning.counted in CATALOGUE, name
    for part in ("gateway", "engine"):
        for name, meaning in COMMON.items():
            assert f"{part}.{meaning.signal}" in CATALOGUE, name


def test_what_is_derived_is_derived_from_signals() -> None:
    for signal in CATALOGUE.values():
        if signal.kind == "quantile":
            assert CATALOGUE[signal.of].kind == "histogram"
            assert 0 < signal.quantile < 1
        for counted in (*signal.part, *signal.whole):
            assert CATALOGUE[counted.signal].kind == "counter"


def test_units_are_in_the_names() -> None:
    for name, signal in CATALOGUE.items():
        assert (signal.kind == "counter") == name.endswith("_total"), name
        if signal.unit == "bytes" and signal.kind != "counter":
            assert "bytes" in name
        if signal.unit == "ms" and signal.kind != "counter":
            assert name.endswith("_ms"), name


def test_uptimes_are_signals() -> None:
    assert set(UPTIMES.values()) <= CATALOGUE.keys()
