"""The three algorithms over one budget in this process: integers only, microseconds from a clock that never runs backwards.

`kit/redis/limits.lua` is the same arithmetic over the store; the contract suite holds both against one model.
"""

from collections import deque
from typing import Protocol

from mcp_gateway.kit.limits.rules import Rule


class Cell(Protocol):
    """The count of one budget. `ends_us`: when all of it is back; right after a `take`, and never too early. `rule`: in force."""

    ends_us: int
    rule: Rule

    def follow(self, rule: Rule) -> None:
        """Judge by this rule from now on; what was counted stays."""
        ...

    def take(self, now: int, cost: int) -> int:
        """What remains after charging; negative when it does not fit, and then nothing is charged."""
        ...

    def undo(self, cost: int) -> None:
        """Take back the charge made last."""
        ...

    def look(self, now: int, cost: int) -> tuple[int, int, int]:
        """What remains, until all is back, and how long such a cost must wait, without charging it."""
        ...


class WindowCell:
    """Counts per bucket; what is counted is every bucket that the window touches, so never too little."""

    __slots__ = ("_bucket", "_limit", "_newest", "_older", "_slots", "_total", "_width", "ends_us", "rule")

    def __init__(self, rule: Rule) -> None:
        self._width = rule.step_us
        self._slots = rule.buckets + 1
        self._bucket = -1
        self._newest = 0
        self._total = 0
        self._older: deque[tuple[int, int]] = deque()
        self.ends_us = 0
        self.follow(rule)

    def follow(self, rule: Rule) -> None:
        self.rule = rule
        self._limit = rule.limit

    def take(self, now: int, cost: int) -> int:
        bucket = now // self._width
        if bucket != self._bucket:
            self._roll(bucket)
        left = self._limit - self._total - cost
        if left >= 0:
            self._total += cost
            self._newest += cost
        return left

    def undo(self, cost: int) -> None:
        self._total -= cost
        self._newest -= cost

    def look(self, now: int, cost: int) -> tuple[int, int, int]:
        self._roll(now // self._width)
        held = [*self._older, (self._bucket, self._newest)] if self._newest else [*self._older]
        remaining = max(0, self._limit - self._total)
        reset = self._leaves(held[-1][0]) - now if held else 0
        excess = self._total + cost - self._limit
        if excess <= 0 or not held:
            return remaining, reset, 0 if excess <= 0 else self._width
        for bucket, count in held:
            excess -= count
            if excess <= 0:
                return remaining, reset, self._leaves(bucket) - now
        return remaining, reset, reset

    def _leaves(self, bucket: int) -> int:
        return (bucket + self._slots) * self._width

    def _roll(self, bucket: int) -> None:
        if bucket == self._bucket:
            return
        older = self._older
        if self._newest:
            older.append((self._bucket, self._newest))
            self._newest = 0
        self._bucket = bucket
        self.ends_us = self._leaves(bucket)
        oldest = bucket - self._slots
        while older and older[0][0] <= oldest:
            self._total -= older.popleft()[1]


class GcraCell:
    """When the next unit would be due if they flowed evenly (the theoretical arrival time), which is also when all is back."""

    __slots__ = ("_before", "_step", "_tolerance", "ends_us", "rule")

    def __init__(self, rule: Rule) -> None:
        self.ends_us = 0
        self._before = 0
        self.follow(rule)

    def follow(self, rule: Rule) -> None:
        self.rule = rule
        self._step = rule.step_us
        self._tolerance = rule.step_us * rule.most_at_once

    def take(self, now: int, cost: int) -> int:
        due = self.ends_us
        after = (now if due < now else due) + cost * self._step  # noqa: FURB136  (a call of max costs more)
        spare = now + self._tolerance - after
        if spare >= 0:
            self._before = due
            self.ends_us = after
        return spare // self._step

    def undo(self, cost: int) -> None:
        self.ends_us = self._before

    def look(self, now: int, cost: int) -> tuple[int, int, int]:
        due = max(now, self.ends_us)
        spare = now + self._tolerance - due
        return max(0, spare // self._step), due - now, max(0, cost * self._step - spare)


class ExactCell:
    """The millisecond of every unit let through in the window, in order."""

    __slots__ = ("_limit", "_stamps", "_window_ms", "ends_us", "rule")

    def __init__(self, rule: Rule) -> None:
        self._window_ms = -(-rule.window_us // 1_000)
        self._stamps: deque[int] = deque()
        self.ends_us = 0
        self.follow(rule)

    def follow(self, rule: Rule) -> None:
        self.rule = rule
        self._limit = rule.limit

    def take(self, now: int, cost: int) -> int:
        now_ms = now // 1_000
        stamps = self._stamps
        self._drop(now_ms)
        left = self._limit - len(stamps) - cost
        if left >= 0:
            stamps.extend([now_ms] * cost)
            self.ends_us = (now_ms + self._window_ms + 1) * 1_000
        return left

    def undo(self, cost: int) -> None:
        for _ in range(cost):
            self._stamps.pop()

    def look(self, now: int, cost: int) -> tuple[int, int, int]:
        now_ms = now // 1_000
        self._drop(now_ms)
        stamps = self._stamps
        over = len(stamps) + cost - self._limit
        reset = self._leaves_us(stamps[-1]) - now if stamps else 0
        retry = 0
        if over > 0:
            retry = self._leaves_us(stamps[min(over, len(stamps)) - 1]) - now if stamps else 1_000
        return max(0, self._limit - len(stamps)), reset, retry

    def _leaves_us(self, stamp: int) -> int:
        # One millisecond more than the window: both ends of it are rounded down.
        return (stamp + self._window_ms + 1) * 1_000

    def _drop(self, now_ms: int) -> None:
        stamps = self._stamps
        oldest = now_ms - self._window_ms
        while stamps and stamps[0] < oldest:
            stamps.popleft()


def new_cell(rule: Rule) -> Cell:
    if rule.algorithm == "window":
        return WindowCell(rule)
    return GcraCell(rule) if rule.algorithm == "gcra" else ExactCell(rule)
