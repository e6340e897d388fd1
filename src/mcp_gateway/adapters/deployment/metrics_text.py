"""Prometheus' text format and OpenMetrics, read line by line: samples by family. Knows no signal.

Nothing on the page is trusted: lines that are none are counted, names and labels are cut, and there is a bound on everything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_SAMPLES = 50_000
MAX_LABELS = 20
MAX_LETTERS = 200

_NAME = re.compile(r"[A-Za-z_:][\w:]*", re.ASCII)
_LABEL = re.compile(r'\s*([A-Za-z_][\w]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)', re.ASCII)
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
_ESCAPED = re.compile(r'\\[\\"n]')


@dataclass(frozen=True, slots=True)
class Sample:
    """One line: `labels` as on the page, `le` of a bucket among them."""

    name: str
    labels: dict[str, str]
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricsText:
    """`unreadable`: lines that are neither samples nor comments. `cut`: there was more than is read."""

    samples: tuple[Sample, ...]
    unreadable: int
    cut: bool

    @property
    def is_metrics(self) -> bool:
        """Whether this was such a page at all."""
        return len(self.samples) > 0 and self.unreadable <= len(self.samples) // 10


def read_metrics(text: str) -> MetricsText:
    """Never raises."""
    samples: list[Sample] = []
    unreadable = 0
    for line in _lines(text):
        if len(samples) >= MAX_SAMPLES:
            return MetricsText(samples=tuple(samples), unreadable=unreadable, cut=True)
        sample = _sample(line)
        if sample is None:
            unreadable += 1
        else:
            samples.append(sample)
    return MetricsText(samples=tuple(samples), unreadable=unreadable, cut=False)


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield stripped


def _sample(line: str) -> Sample | None:
    found = _match(line)
    if found is None:
        return None
    name, inner, number = found
    try:
        value = float(number)
    except ValueError:
        return None
    labels = _labels(inner)
    return None if labels is None else Sample(name[:MAX_LETTERS], labels, value)


def _match(line: str) -> tuple[str, str, str] | None:
    """Name, inside of the braces, number. By hand: a pattern over the whole line would go back and forth in hostile ones."""
    brace = line.find("{")
    space = line.find(" ")
    if brace < 0 or (0 <= space < brace):
        words = line.split()
        return (words[0], "", words[1]) if len(words) > 1 and _NAME.fullmatch(words[0]) else None
    end = _closing(line, brace + 1)
    words = line[end + 1 :].split(maxsplit=1) if end > 0 else []
    name = line[:brace].strip()
    return (name, line[brace + 1 : end], words[0]) if words and _NAME.fullmatch(name) else None


def _closing(line: str, start: int) -> int:
    """Where the brace ends that is in no quotes; -1 when nowhere."""
    quoted, escaped = False, False
    for index in range(start, len(line)):
        letter = line[index]
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = quoted
        elif letter == '"':
            quoted = not quoted
        elif letter == "}" and not quoted:
            return index
    return -1


def _labels(inner: str) -> dict[str, str] | None:
    """None when they are not in the form."""
    labels: dict[str, str] = {}
    at = 0
    while at < len(inner):
        found = _LABEL.match(inner, at)
        if found is None or len(labels) >= MAX_LABELS:
            return None
        labels[found[1]] = _ESCAPED.sub(lambda one: _ESCAPES[one[0]], found[2])[:MAX_LETTERS]
        at = found.end()
    return labels
