"""The near level: decoded values in this process, bounded in entries and bytes, kept by how often and how lately they are used.

W-TinyLFU: newcomers pass through a small window; out of it they get a place in the main part only if they were asked for more
often than the one they would drive out. Reads only note the key; the order is brought up to date at the next write.
Knows no store and no clock: whether an entry may be served is decided by the cache.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Generic, TypeAlias, TypeVar

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.kit.cache.figures import Tally
from mcp_gateway.kit.cache.sketch import FrequencySketch

V = TypeVar("V")
# The tenant, then the key.
NearKey: TypeAlias = tuple[str, str]

WINDOW_SHARE = 0.01
PROTECTED_SHARE = 0.8
# Reads noted between two writes; older ones are forgotten. Bounds what a write has to catch up on.
MAX_NOTED_READS = 128


class NearEntry(Generic[V]):
    """All times on the monotonic clock.

    `quick_until`: until then a read may return `value` without another thought (0 for None and errors). `fresh_until`: the end of
    its time. `stale_until`: of serving it while it is renewed. `quiet_until`: no new try to renew it before then. `renew_from`:
    when renewing it begins; `quick_until` is earlier where one read is to pass by the comparison.
    """

    __slots__ = (
        "error", "fresh_until", "quick_until", "quiet_until", "renew_from", "segment", "size", "stale_until", "tags", "tally",
        "value",
    )  # fmt: skip

    def __init__(
        self, value: V, error: GatewayError | None, size: int, tags: tuple[str, ...], tally: Tally, fresh_until: float
    ) -> None:
        self.value = value
        self.error = error
        self.size = size
        self.tags = tags
        self.tally = tally
        self.fresh_until = self.stale_until = fresh_until
        self.quick_until = self.quiet_until = self.renew_from = 0.0
        self.segment: _Segment | None = None


class _Segment:
    """Keys from the one used longest ago to the latest, and their bytes."""

    __slots__ = ("keys", "size")

    def __init__(self) -> None:
        self.keys: OrderedDict[NearKey, None] = OrderedDict()
        self.size = 0


class NearLevel(Generic[V]):
    """`entries` and `noted` are read directly by the hot path of the cache, and written only here.

    `size`: bytes held, as encoded, with the keys.
    """

    def __init__(self, *, max_entries: int, max_bytes: int) -> None:
        self.entries: dict[NearKey, NearEntry[V]] = {}
        self.noted: deque[NearKey] = deque(maxlen=MAX_NOTED_READS)
        self.size = 0
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self._window_entries, self._window_bytes = max(1, int(max_entries * WINDOW_SHARE)), max_bytes * WINDOW_SHARE
        self._window, self._probation, self._protected = _Segment(), _Segment(), _Segment()
        self._sketch = FrequencySketch(max_entries)
        self._by_tag: dict[tuple[str, str], set[NearKey]] = {}

    def put(self, key: NearKey, entry: NearEntry[V]) -> None:
        """Keep it if it has earned a place; what it replaces is gone either way."""
        if self.noted:
            self._catch_up()
        if key in self.entries:
            self.drop(key)
        if entry.size > self._max_bytes:
            return
        self._sketch.add(key)
        self.entries[key] = entry
        self.size += entry.size
        for tag in entry.tags:
            self._by_tag.setdefault((key[0], tag), set()).add(key)
        window = self._window
        window.keys[key] = None
        window.size += entry.size
        entry.segment = window
        while len(window.keys) > self._window_entries or window.size > self._window_bytes:
            self._contest(next(iter(window.keys)))

    def drop(self, key: NearKey) -> None:
        """Forget one key; unknown ones are ignored."""
        entry = self.entries.pop(key, None)
        if entry is None:
            return
        self.size -= entry.size
        if entry.segment is not None:
            del entry.segment.keys[key]
            entry.segment.size -= entry.size
        for tag in entry.tags:
            tagged = self._by_tag[key[0], tag]
            tagged.discard(key)
            if not tagged:
                del self._by_tag[key[0], tag]

    def drop_tagged(self, tenant: str, tags: Iterable[str]) -> None:
        """Forget everything of a tenant that carries one of the tags."""
        for tag in tags:
            for key in tuple(self._by_tag.get((tenant, tag), ())):
                self.drop(key)

    def clear(self) -> None:
        """Forget everything but how often keys were used."""
        self.entries.clear()
        self.noted.clear()
        self._by_tag.clear()
        self.size = 0
        for segment in (self._window, self._probation, self._protected):
            segment.keys.clear()
            segment.size = 0

    def _catch_up(self) -> None:
        noted, entries, protected = self.noted, self.entries, self._protected
        while noted:
            key = noted.popleft()
            self._sketch.add(key)
            entry = entries.get(key)
            if entry is None or entry.segment is None:
                continue
            if entry.segment is self._probation:
                self._move(key, entry, protected)
            else:
                entry.segment.keys.move_to_end(key)
        most, most_bytes = self._max_entries * PROTECTED_SHARE, self._max_bytes * PROTECTED_SHARE
        while len(protected.keys) > most or protected.size > most_bytes:
            oldest = next(iter(protected.keys))
            self._move(oldest, entries[oldest], self._probation)

    def _contest(self, newcomer: NearKey) -> None:
        """Out of the window: while there is too much, it or the least of the main part goes, whichever was asked for less."""
        frequency = -1
        while len(self.entries) > self._max_entries or self.size > self._max_bytes:
            if frequency < 0:
                frequency = self._sketch.estimate(newcomer)
            oldest = next(iter(self._probation.keys or self._protected.keys), None)
            if oldest is None or frequency <= self._sketch.estimate(oldest):
                self.drop(newcomer)
                return
            self.drop(oldest)
        self._move(newcomer, self.entries[newcomer], self._probation)

    def _move(self, key: NearKey, entry: NearEntry[V], to: _Segment) -> None:
        self._unplace(key, entry)
        self._place(key, entry, to)

    def _place(self, key: NearKey, entry: NearEntry[V], segment: _Segment) -> None:
        segment.keys[key] = None
        segment.size += entry.size
        entry.segment = segment

    @staticmethod
    def _unplace(key: NearKey, entry: NearEntry[V]) -> None:
        if entry.segment is not None:
            del entry.segment.keys[key]
            entry.segment.size -= entry.size
            entry.segment = None
