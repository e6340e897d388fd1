"""A bound on lines about people nobody knows: whoever reaches the port can make refusals, but not fill the disk with them."""

from typing import Final

WINDOW_SECONDS: Final = 60.0


class FloodBound:
    """At most `per_minute` lines in any one window; how many more there were is asked for when the window is over."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._begun = -WINDOW_SECONDS
        self._admitted = 0
        self._left_out = 0
        self._unsaid = 0

    def admits(self, now: float) -> bool:
        """Whether one more line may be written. `now` never runs backwards."""
        self._turn(now)
        if self._admitted < self._per_minute:
            self._admitted += 1
            return True
        self._left_out += 1
        return False

    def due_in(self, now: float) -> float | None:
        """Seconds until `take_left_out` has something to say; None when nothing was left out."""
        self._turn(now)
        if self._unsaid:
            return 0.0
        return self._begun + WINDOW_SECONDS - now if self._left_out else None

    def take_left_out(self, now: float) -> int:
        """How many lines the windows that are over left out; said once."""
        self._turn(now)
        unsaid, self._unsaid = self._unsaid, 0
        return unsaid

    def _turn(self, now: float) -> None:
        if now - self._begun >= WINDOW_SECONDS:
            self._unsaid += self._left_out
            self._begun, self._admitted, self._left_out = now, 0, 0
