"""Prometheus' text format and OpenMetrics, read line by line: samples by family. Knows no signal.

Nothing on the page is trusted: lines that are none are counted, names and labels are cut, and there is a bound on everything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_SAMPLES = 50_000
MAX_LINE_BYTES = 8_192
MAX_LABELS = 20
MAX_LETTERS = 200
MAX_DIGITS = 100
# About as much as is read in a thousandth of a second.
TURN_BYTES = 16_384
SHOWN_NAMES = 3

# Nothing that was matched is given back: a hostile line costs what its length is.
_NAME = re.compile(r"[A-Za-z_:][\w:]*+", re.ASCII)
_LABEL = re.compile(r'\s*+([A-Za-z_]\w*+)\s*+=\s*+"((?:[^"\\]++|\\.)*+)"\s*+(?:,|(?=\}))', re.ASCII)
_END = re.compile(r"\s*+\}")
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
_ESCAPED = re.compile(r'\\[\\"n]')


@dataclass(frozen=True, slots=True)
class Sample:
    """One line: `labels` as on the page, `le` of a bucket among them."""

    name: str
    labels: dict[str, str]
    value: float


class MetricsPage:
    """What is told is of what was read so far. `unreadable`: lines that are neither samples nor comments. `cut`: there was more.

    `names`: some of them.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.count = self.unreadable = 0
        self.cut = False
        self.names: set[str] = set()

    @property
    def is_metrics(self) -> bool:
        """Whether this was such a page at all."""
        return self.count > 0 and self.unreadable <= self.count // 10

    def turns(self) -> Iterator[list[Sample]]:
        """The samples, once, by pieces of a page that are small enough to be read at a stretch. Never raises."""
        samples: list[Sample] = []
        at = turn = 0
        while at < len(self._body) and not self.cut:
            end = self._body.find(b"\n", at)
            end = len(self._body) if end < 0 else end
            self._read(at, end, samples)
            at = end + 1
            if at - turn >= TURN_BYTES:
                yield samples
                samples, turn = [], at
        yield samples

    def _read(self, start: int, end: int, samples: list[Sample]) -> None:
        if end - start > MAX_LINE_BYTES:
            self.unreadable += self._body[start] != ord("#")
            return
        line = self._body[start:end].decode("utf-8", "replace").strip()
        if not line or line.startswith("#"):
            return
        sample = _sample(line)
        if sample is None:
            self.unreadable += 1
        elif self.count == MAX_SAMPLES:
            self.cut = True
        else:
            self.count += 1
            samples.append(sample)
            if len(self.names) < SHOWN_NAMES:
                self.names.add(sample.name)


def _sample(line: str) -> Sample | None:
    name = _NAME.match(line)
    if name is None:
        return None
    at = name.end()
    labels: dict[str, str] = {}
    opened = line[at:].lstrip()
    if opened.startswith("{"):
        read = _labels(line, len(line) - len(opened) + 1)
        if read is None:
            return None
        labels, at = read
    elif line[at : at + 1] not in {" ", "\t"}:
        return None
    value = _number(line[at:])
    return None if value is None else Sample(name[0][:MAX_LETTERS], labels, value)


def _labels(line: str, at: int) -> tuple[dict[str, str], int] | None:
    """Those from after the brace, and where the other brace ends; None when they are not in the form."""
    labels: dict[str, str] = {}
    while (end := _END.match(line, at)) is None:
        found = _LABEL.match(line, at)
        if found is None or len(labels) >= MAX_LABELS:
            return None
        labels[found[1]] = _ESCAPED.sub(lambda one: _ESCAPES[one[0]], found[2])[:MAX_LETTERS]
        at = found.end()
    return labels, end.end()


def _number(rest: str) -> float | None:
    """The first word; a time or an exemplar may follow."""
    words = rest.split(maxsplit=1)
    try:
        return float(words[0]) if words and len(words[0]) <= MAX_DIGITS else None
    except ValueError:
        return None
