"""Weighing one cause: what must hold, what else speaks for it, and the sentence that says so.

Confidence is no sum of points: it is the share of the signs named by the cause that were read and agree. A sign that must hold
and does not rules the cause out, in words and by what was read: where nothing was, the cause neither stands nor is ruled out.
The first sign is what the cause is told by: unread, the cause is not claimed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Evidence, Hypothesis

Weigh: TypeAlias = Callable[[Window], Hypothesis]
# Below this share of agreeing signs a cause is not claimed.
STANDS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Sign:
    """Evidence of one thing: the signal, read with these labels, and what of it is compared."""

    signal: str
    labels: dict[str, str] = field(default_factory=dict)


def sign(signal: str, **labels: str) -> Sign:
    """A signal with its labels. A label without a value names nobody: then it is all of them that were looked at."""
    return Sign(signal=signal, labels={label: value for label, value in labels.items() if value})


class Case:
    """Collects signs for one cause in one window; ask `concluded` at the end."""

    def __init__(self, window: Window, cause: str, component: str, title: str) -> None:
        self._window, self._cause, self.component, self.title = window, cause, component, title
        self._supports: list[Evidence] = []
        self._against: list[Evidence] = []
        self._named = self._agree = 0
        self._barred = False
        self._broken: str | None = None

    def must(self, holds: bool | None, *signs: Sign, but: str) -> bool | None:  # noqa: FBT001  # a finding, not a switch
        """A sign that rules the cause out when it does not hold; `but` is then the reason. None: it could not be read."""
        found = self._read(signs)
        self._barred |= holds is False or (holds is None and not self._named)
        self._named += 1
        if holds is False and found and self._broken is None:
            self._broken = but
        return self._note(holds, found)

    def may(self, holds: bool | None, *signs: Sign) -> bool | None:  # noqa: FBT001  # a finding, not a switch
        """A sign that speaks for the cause when it holds, and is otherwise no argument."""
        if holds:
            self._named += 1
            self._note(holds, self._read(signs))
        return holds

    def doubt(self, holds: bool | None, *signs: Sign) -> None:  # noqa: FBT001  # a finding, not a switch
        """What speaks against the cause when it holds, and does not rule it out."""
        if holds:
            self._named += 1
            self._against.extend(self._read(signs))

    def concluded(self, why: str) -> Hypothesis:
        confidence = 0.0 if self._barred else self._agree / self._named
        return Hypothesis(
            cause=self._cause,
            component=self.component,
            title=self.title,
            confidence=confidence * 0.98,
            supports=tuple(self._supports),
            against=tuple(self._against),
            ruled_out=self._broken is not None,
            why=self._broken or why,
        )

    def _read(self, signs: tuple[Sign, ...]) -> list[Evidence]:
        found = [self._window.evidence(one.signal, of="figure", **one.labels) for one in signs]
        return [one for one in found if one is not None]

    def _note(self, holds: bool | None, found: list[Evidence]) -> bool | None:  # noqa: FBT001  # a finding, not a switch
        if holds:
            self._agree += 1
        if holds is not None:
            noted = self._supports if holds else self._against
            noted.extend(one for one in found if one not in noted)
        return holds
