"""Waiting for a processor, as the system tells it."""

from pathlib import Path

import pytest

from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.vitals.processor import ProcessorWaits

WAITED, HELD_BACK = "machine_processor_waited_seconds", "process_held_back_seconds"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def pressure(root: Path, microseconds: int) -> None:
    full = "full avg10=0.00 avg60=0.00 avg300=0.00 total=77"
    write(root / "proc/pressure/cpu", f"some avg10=9.00 avg60=1.00 avg300=0.10 total={microseconds}\n{full}\n")


def throttled(root: Path, microseconds: int) -> None:
    write(root / "proc/self/cgroup", "1:name=systemd:/\n0::/shop.slice/gateway.service\n")
    text = f"usage_usec 9\nnr_periods 4\nnr_throttled 3\nthrottled_usec {microseconds}\n"
    write(root / "groups/shop.slice/gateway.service/cpu.stat", text)


def waits(root: Path, figures: RecordedFigures) -> ProcessorWaits:
    return ProcessorWaits(figures=figures, proc=root / "proc", groups=root / "groups")


def test_both_are_counted_from_when_the_process_began(tmp_path: Path) -> None:
    figures = RecordedFigures()
    pressure(tmp_path, 90_000_000)
    throttled(tmp_path, 5_000_000)
    vitals = waits(tmp_path, figures)
    vitals.report()
    assert (figures.total(WAITED), figures.total(HELD_BACK)) == (0, 0)
    pressure(tmp_path, 92_500_000)
    throttled(tmp_path, 5_200_000)
    vitals.report()
    vitals.report()
    assert figures.total(WAITED) == pytest.approx(2.5)
    assert figures.total(HELD_BACK) == pytest.approx(0.2)


def test_what_the_system_does_not_tell_is_not_reported(tmp_path: Path) -> None:
    class Counted(RecordedFigures):
        def counter(self, *_: object, **__: str) -> None:  # type: ignore[override]  # nothing may be asked for
            raise AssertionError

    for text in (None, "", "garbage", "some avg10=1", "\x00"):
        if text is not None:
            write(tmp_path / "proc/pressure/cpu", text)
            write(tmp_path / "groups/cpu.stat", f"usage_usec 5\n{text}")
        waits(tmp_path, Counted()).report()


def test_a_pressure_that_is_gone_counts_no_further(tmp_path: Path) -> None:
    figures = RecordedFigures()
    pressure(tmp_path, 1_000_000)
    vitals = waits(tmp_path, figures)
    (tmp_path / "proc/pressure/cpu").unlink()
    vitals.report()
    assert figures.total(WAITED) == 0
