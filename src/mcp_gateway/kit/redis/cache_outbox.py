"""Invalidations the store has not taken yet, kept until it is back."""

import structlog

from mcp_gateway.kit.cache.ports import Invalidation

MAX_NAMES = 10_000

_log = structlog.get_logger(__name__)


class Outbox:
    """In the order they were asked for. Beyond `MAX_NAMES` keys and tags the oldest are given up, which is logged."""

    def __init__(self) -> None:
        self._waiting: list[Invalidation] = []
        self._names = 0

    def add(self, invalidation: Invalidation) -> None:
        self._waiting.append(invalidation)
        self._names += _size(invalidation)
        while self._names > MAX_NAMES:
            lost = self._waiting.pop(0)
            self._names -= _size(lost)
            _log.error("cache_invalidation_given_up", cache=lost.cache, keys=len(lost.keys), tags=len(lost.tags))

    def take(self) -> list[Invalidation]:
        """All of them; what fails again is added again."""
        waiting, self._waiting, self._names = self._waiting, [], 0
        return waiting


def _size(invalidation: Invalidation) -> int:
    return len(invalidation.keys) + len(invalidation.tags)
