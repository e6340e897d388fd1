"""Scores between 0 and 1.

Each handler is asked for each pattern of the level; a breach takes away from its pattern what its severity weighs.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from mcp_gateway.kit.patterns.model import Compliance, Finding, Report, Severity

WEIGHT: Final = {Severity.CRITICAL: 1.0, Severity.HIGH: 1.0, Severity.MEDIUM: 0.5, Severity.LOW: 0.25}
BANDS: Final[tuple[tuple[float, Compliance], ...]] = ((0.9, "excellent"), (0.75, "good"), (0.5, "fair"))


def compliance(score: float) -> Compliance:
    """The spec's word for a score: excellent from 0.9, good from 0.75, fair from 0.5, poor below."""
    return next((word for bound, word in BANDS if score >= bound), "poor")


def overall(report: Report) -> Compliance | Literal["nothing_judged"]:
    """The word for all files; where none had routes, or none could be read, there is nothing to be praised."""
    return "nothing_judged" if report.score is None else compliance(report.score)


def verdict(report: Report) -> str:
    """The word and the score, for people."""
    return "nothing judged" if report.score is None else f"{compliance(report.score)} ({report.score:.2f})"


def rounded(report: Report) -> float | None:
    """The score to 4 digits."""
    return None if report.score is None else round(report.score, 4)


def file_score(handlers: Sequence[str], patterns: Iterable[str], findings: Iterable[tuple[str, Finding]]) -> float:
    """`findings` with the handler each counts for, "" for the whole file.

    The mean over handlers and patterns of what holds, to 4 digits.
    """
    asked = sorted(set(patterns))
    who = list(handlers) or [""]
    lost: dict[tuple[str, str], float] = {}
    for handler, finding in findings:
        if finding.suppressed is None:
            for one in [handler] if handler in who else who:
                key = (one, finding.pattern)
                lost[key] = max(lost.get(key, 0.0), WEIGHT[finding.severity])
    total = len(who) * len(asked)
    return round(1 - sum(lost.values()) / total, 4) if total else 1.0
