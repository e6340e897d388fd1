"""How often keys were asked for lately, roughly and in little memory: a count-min sketch that halves itself as time goes by.

Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache Admission Policy" (2017), without the doorkeeper.
"""

from collections.abc import Hashable

_ROWS = 4
_MOST = 15
_HALVE = bytes(count >> 1 for count in range(256))
# Counters of a row for each key held. With one, two keys often share all their counters and a newcomer is taken for a stranger.
_WIDTH = 4
# After so many counts for each key held everything is halved, so that yesterday's favourites fade.
_SAMPLE = 10


class FrequencySketch:
    """Estimates never fall below the true count since the last halving, up to 15."""

    __slots__ = ("_additions", "_mask", "_rows", "_sample")

    def __init__(self, entries: int) -> None:
        """`entries` is how many keys the cache holds at most."""
        size = max(64, 1 << (entries - 1).bit_length())
        width = _WIDTH * size
        self._rows = [bytearray(width) for _ in range(_ROWS)]
        self._mask = width - 1
        self._additions = 0
        self._sample = _SAMPLE * size

    def add(self, key: Hashable) -> None:
        """Count one use of `key`."""
        hashed, mask = hash(key), self._mask
        first, second, third, fourth = self._rows
        # Written out: this is on the path of every miss.
        if first[place := hashed & mask] < _MOST:
            first[place] += 1
        if second[place := hashed >> 15 & mask] < _MOST:
            second[place] += 1
        if third[place := hashed >> 30 & mask] < _MOST:
            third[place] += 1
        if fourth[place := hashed >> 45 & mask] < _MOST:
            fourth[place] += 1
        self._additions += 1
        if self._additions >= self._sample:
            self._rows = [row.translate(_HALVE) for row in self._rows]
            self._additions //= 2

    def estimate(self, key: Hashable) -> int:
        """About how often, 0 to 15."""
        hashed, mask = hash(key), self._mask
        first, second, third, fourth = self._rows
        return min(first[hashed & mask], second[hashed >> 15 & mask], third[hashed >> 30 & mask], fourth[hashed >> 45 & mask])
