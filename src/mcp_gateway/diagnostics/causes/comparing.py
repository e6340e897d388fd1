"""Is it more, slower or less than usual here? Always against the system's own baseline, and beyond what chance explains.

None means that it cannot be told: not read, too few measurements, or nothing to compare with.
"""

import math

from mcp_gateway.diagnostics.signals.catalogue import signal_of
from mcp_gateway.diagnostics.signals.window import Window

# So many standard deviations of a count beyond what is usual are not chance.
DEVIATIONS = 4.0
# A percentile of fewer measurements says nothing.
FEWEST = 5
SLOWER = 1.6
LIVE, DOWN = 2.0, 0.0
# What is less likely than this, were all as usual, is not chance.
CHANCE = 0.02


def beyond_chance(counted: float, expected: float) -> bool:
    """Whether so many are more than counts vary where so many are expected."""
    return counted - expected > DEVIATIONS * math.sqrt(expected + 1)


def rose(window: Window, name: str, *, factor: float = 2.0, least: float = 3, **labels: str) -> bool | None:
    """Whether a count grew by at least `least` within the window, and more than `factor` times as much as usual."""
    grown = window.change(name, **labels)
    if grown is None:
        # A series that nobody has counted yet, of a source that was read, is a count of none.
        return False if window.first is not None and _could_be_read(window, name) else None
    usual = window.baseline(name, of="change", **labels) or 0.0
    return grown >= least and grown > factor * usual and beyond_chance(grown, usual)


def fell(window: Window, name: str, *, to: float = 0.5, least: float = 5, **labels: str) -> bool | None:
    """Whether a count grew by less than `to` of what is usual, where at least `least` is usual."""
    grown, usual = window.change(name, **labels), window.baseline(name, of="change", **labels)
    if grown is None or usual is None or usual < least:
        return None
    return grown < to * usual and usual - grown > DEVIATIONS * math.sqrt(usual) / 2


def slower(window: Window, name: str, *, factor: float = SLOWER, **labels: str) -> bool | None:
    """Whether a percentile (or any duration) is more than `factor` times what is usual."""
    signal = signal_of(name)
    if signal.of:
        measured = window.histogram(signal.of, **labels)
        if measured is None or measured.count < FEWEST:
            return None
    ratio = window.ratio(name, of="figure", **labels)
    return None if ratio is None else ratio > factor


def times_as_long(window: Window, name: str, **labels: str) -> float | None:
    """A percentile over what is usual, from as few measurements as there are: ask `not_by_chance` as well."""
    signal = signal_of(name)
    now, usual = window.value(name, **labels), window.usual_histogram(signal.of, **labels)
    before = usual and usual.quantile(signal.quantile)
    return now / before if now is not None and before else None


def not_by_chance(window: Window, name: str, *, tried: int = 1, **labels: str) -> bool | None:
    """Whether measurements are longer than usual, by their ranks, as Mann and Whitney judge: however few, however distributed.

    `tried`: how many series are judged so; the more there are, the sooner one stands out by chance.
    """
    now, usual = window.histogram(name, **labels), window.usual_histogram(name, **labels)
    if now is None or usual is None or (share := now.share_longer_than(usual)) is None:
        return None
    deviation = math.sqrt((now.count + usual.count + 1) / (12 * now.count * usual.count))
    return tried * math.erfc((share - 0.5) / deviation / math.sqrt(2)) / 2 < CHANCE


def larger(window: Window, name: str, *, factor: float, least: float = 0.0, **labels: str) -> bool | None:
    """Whether a gauge is over `factor` times what is usual, and at least `least`: a few where none are usual are chance."""
    now, ratio = window.value(name, **labels), window.ratio(name, of="figure", **labels)
    return None if ratio is None or now is None else ratio > factor and now >= least


def either(*told: bool | None) -> bool | None:
    """True when one is; None when none is and one is unknown."""
    if any(told):
        return True
    return None if None in told else False


def both(*told: bool | None) -> bool | None:
    """False when one is; None when none is and one is unknown."""
    if False in told:
        return False
    return None if None in told else True


def neither(*told: bool | None) -> bool | None:
    """False when one is true; None when none is and all are unknown."""
    if any(told):
        return False
    return None if told and all(one is None for one in told) else True


def slowdown(window: Window, name: str, **labels: str) -> float:
    """Value over baseline; 1 when unknown."""
    ratio = window.ratio(name, of="figure", **labels)
    return 1.0 if ratio is None or not math.isfinite(ratio) else ratio


def store_lines(window: Window) -> tuple[float, ...]:
    """Of each replica what its line to the store is: `LIVE`, `DOWN`, or between the two."""
    return tuple(one.value for one in window.series("gateway.store_state") if isinstance(one.value, int | float))


def _could_be_read(window: Window, name: str) -> bool:
    """Whether the kind of source that counts this has counted anything; that it was reached or not is no count."""
    family = name.partition(".")[0]
    counted = (one.name for readings in window.last.sources.values() for one in readings.readings)
    return any(one.partition(".")[0] == family and signal_of(one).kind == "counter" for one in counted)
