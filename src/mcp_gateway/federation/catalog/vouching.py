"""Subscriptions that would have told of a change: while one stands, a list asked for after it began is as good as new."""

from collections.abc import Collection
from typing import NamedTuple

from mcp_gateway.core.clock import Clock
from mcp_gateway.federation.catalog.model import Held, ListKind


class _Span(NamedTuple):
    since: float
    until: float


class Vouching:
    """`identity` is whose list it is about; "" for everybody's. Times are monotonic."""

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._spans: dict[tuple[str, ListKind, str], _Span] = {}

    def vouch(self, server: str, kinds: Collection[ListKind], until: float, identity: str = "") -> None:
        """Until then; saying it again before that makes it longer. An `until` that has passed ends it."""
        now = self._monotonic()
        for kind in kinds:
            key = (server, kind, identity)
            before = self._spans.get(key)
            if until <= now:
                self._spans.pop(key, None)
            else:
                self._spans[key] = _Span(before.since if before is not None and now < before.until else now, until)

    def end(self, server: str, identity: str = "") -> None:
        """Nothing of this server's is vouched for any longer; `server` "" means every server, `identity` "" every client."""
        for key in [key for key in self._spans if server in ("", key[0]) and identity in ("", key[2])]:
            del self._spans[key]

    def covers(self, held: Held) -> bool:
        span = self._spans.get((held.server.name, held.kind, held.owner))
        return span is not None and span.since <= held.asked_at and self._monotonic() < span.until
