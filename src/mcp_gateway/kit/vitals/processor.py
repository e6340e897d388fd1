"""Whether work waits for a processor: on the whole machine, and because of the limit that this process's group has.

Both are Linux's, and neither is always there: not with every kernel, not in every container. What is not there is not reported.
"""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

from mcp_gateway.kit.figures import Figures, Metric

WAITED = Metric(
    name="machine_processor_waited_seconds", help="Time in which somebody on this machine waited for a processor.", kind="counter"
)
HELD_BACK = Metric(
    name="process_held_back_seconds", help="Time in which a limit of its group kept this process from running.", kind="counter"
)

_SOME = re.compile(r"^some .*total=(\d+)", re.MULTILINE)
_THROTTLED = re.compile(r"^throttled_usec (\d+)", re.MULTILINE)
_GROUP = re.compile(r"^0::/(.*)$", re.MULTILINE)
_MICROSECONDS = 1_000_000
_PROC, _GROUPS = Path("/proc"), Path("/sys/fs/cgroup")


class ProcessorWaits:
    """Counts from when it is made. `proc` and `groups`: where these file systems lie."""

    def __init__(self, *, figures: Figures, proc: Path = _PROC, groups: Path = _GROUPS) -> None:
        group = _first(proc / "self/cgroup", _GROUP) or ""
        self._counted = [
            _Counted(figures, WAITED, lambda: _seconds(proc / "pressure/cpu", _SOME)),
            _Counted(figures, HELD_BACK, lambda: _seconds(groups / group / "cpu.stat", _THROTTLED)),
        ]

    def report(self) -> None:
        """Two small files."""
        for one in self._counted:
            one.report()


class _Counted:
    """A running total of the system's, counted from now on; nothing where it cannot be read now."""

    def __init__(self, figures: Figures, metric: Metric, read: Callable[[], float | None]) -> None:
        self._read, self._last = read, read()
        self._counter = None if self._last is None else figures.counter(metric)

    def report(self) -> None:
        total = self._read()
        if self._counter is not None and self._last is not None and total is not None:
            self._counter.add(max(0.0, total - self._last))
            self._last = total


def _seconds(path: Path, pattern: re.Pattern[str]) -> float | None:
    found = _first(path, pattern)
    return None if found is None else int(found) / _MICROSECONDS


def _first(path: Path, pattern: re.Pattern[str]) -> str | None:
    """None: there is no such file, or it does not say so."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if found := pattern.search(path.read_text()):
            return found[1]
    return None
