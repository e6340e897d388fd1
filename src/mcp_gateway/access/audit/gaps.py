"""What a chain has to say about lines that it does not hold, so that a gap is never silent.

Counted here, and said in lines of the gateway's own as soon as lines can be written again.
"""

from collections import Counter
from collections.abc import Iterable

from mcp_gateway.access.audit.flood import FloodBound
from mcp_gateway.access.audit.model import NOBODYS, AuditLine
from mcp_gateway.access.audit.own_lines import gap_line


class Gaps:
    """Lines lost of each tenant, and lines about strangers left out. Only one task may call `notes` and `said`."""

    def __init__(self, strangers_per_minute: int) -> None:
        self._strangers = FloodBound(strangers_per_minute)
        self._unsaid: Counter[str] = Counter()
        self._left_out = 0
        self._noted: tuple[Counter[str], int] = (Counter(), 0)
        self.lost = 0

    def admits_stranger(self, now: float) -> bool:
        """Whether a line about somebody of no tenant may still be written in this minute; counted either way."""
        return self._strangers.admits(now)

    def lose(self, tenants: Iterable[str]) -> None:
        """These lines, by their tenants, could not be written."""
        for tenant in tenants:
            self._unsaid[tenant] += 1
            self.lost += 1

    def due_in(self, now: float, retry_seconds: float) -> float | None:
        """Seconds until there is something to say; None when nothing is missing."""
        waits = [retry_seconds] if self._unsaid or self._left_out else []
        over = self._strangers.due_in(now)
        return min([*waits, *([] if over is None else [over])], default=None)

    def notes(self, *, now: float, at: float) -> list[AuditLine]:
        """The lines that say it, to be written with the next commit; followed by `said` when that succeeded."""
        self._left_out += self._strangers.take_left_out(now)
        if not self._unsaid and not self._left_out:
            return []
        self._noted = (Counter(self._unsaid), self._left_out)
        lost = [
            gap_line(tenant, at=at, reason=f"{count} lines could not be written", error_code="AUDIT_UNAVAILABLE")
            for tenant, count in self._unsaid.items()
        ]
        if self._left_out:
            reason = f"{self._left_out} more refused calls in one minute"
            lost.append(gap_line(NOBODYS, at=at, reason=reason, error_code="TOO_MANY_REFUSALS"))
        return lost

    def said(self) -> None:
        """What `notes` gave last is on the disk; what was lost since then is still to be said."""
        counts, left_out = self._noted
        self._unsaid -= counts
        self._left_out -= left_out
        self._noted = (Counter(), 0)
