"""The three algorithms as plainly as they can be said: a list of what was let through, summed anew each time."""

from dataclasses import dataclass, field

from mcp_gateway.kit.limits.rules import Rule


@dataclass
class PlainRule:
    """One budget. Times are whole microseconds."""

    rule: Rule
    admitted: list[tuple[int, int]] = field(default_factory=list)

    def fits(self, now: int, cost: int) -> bool:
        return self.used(now) + cost <= self.rule.limit if self.rule.algorithm != "gcra" else self._flow_fits(now, cost)

    def used(self, now: int) -> int:
        if self.rule.algorithm == "window":
            step = -(-round(self.rule.window_seconds * 1_000_000) // self.rule.buckets)
            return sum(cost for at, cost in self.admitted if at // step >= now // step - self.rule.buckets)
        window_ms = -(-round(self.rule.window_seconds * 1_000_000) // 1_000)
        return sum(cost for at, cost in self.admitted if now // 1_000 - at // 1_000 <= window_ms)

    def remaining(self, now: int) -> int:
        if self.rule.algorithm != "gcra":
            return self.rule.limit - self.used(now)
        return (self._tolerance - self._backlog(now)) // self._interval

    def charge(self, now: int, cost: int) -> None:
        self.admitted.append((now, cost))

    @property
    def _interval(self) -> int:
        return -(-round(self.rule.window_seconds * 1_000_000) // self.rule.limit)

    @property
    def _tolerance(self) -> int:
        return self._interval * self.rule.most_at_once

    def _backlog(self, now: int) -> int:
        """A leaky bucket that drains a microsecond in a microsecond."""
        level, last = 0, 0
        for at, cost in self.admitted:
            level = max(0, level - (at - last)) + cost * self._interval
            last = at
        return max(0, level - (now - last))

    def _flow_fits(self, now: int, cost: int) -> bool:
        return self._backlog(now) + cost * self._interval <= self._tolerance


def most_in_any_window(admitted: list[tuple[int, int]], window_us: int) -> int:
    """The largest sum of costs in a closed window of this length, wherever it begins."""
    return max(
        (sum(cost for at, cost in admitted if begin <= at <= begin + window_us) for begin, _ in admitted),
        default=0,
    )
