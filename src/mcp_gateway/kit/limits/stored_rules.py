"""Rules that change while calls are decided: one document in the store, the same on all replicas, over the configured ones.

A change is announced and read at once; should the word be lost, it is read within a second. What cannot be read or understood
changes nothing: the last good rules stay, and the figures tell.
"""

import asyncio
import contextlib
from typing import Self

import structlog

from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.kit.errors import InvalidRule, StoreRefused, StoreUnavailable
from mcp_gateway.kit.limits.documents import from_text, to_text
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.ports import RuleStore, StoredDocument
from mcp_gateway.kit.limits.rules import RuleSet

REREAD_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class StoredRules:
    """Keeps a limiter at the stored rules while it is entered (`async with StoredRules(...)`)."""

    def __init__(self, store: RuleStore, limiter: EnterpriseRateLimiter, *, reread_seconds: float = REREAD_SECONDS) -> None:
        """The rules that `limiter` has now count as the configured ones; stored ones lie on top."""
        self._store = store
        self._limiter = limiter
        self._configured = limiter.rules
        self._reread_seconds = reread_seconds
        self._stored = RuleSet()
        self._unread: str | None = None
        self._changed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Read once; a store that is away leaves the configured rules in force until it is back."""
        with contextlib.suppress(StoreUnavailable):
            await self._store.watch(self._changed.set)
        await self.refresh()
        self._keeper = asyncio.create_task(self._keep(), name="stored-limit-rules")
        return self

    async def __aexit__(self, *_: object) -> None:
        await end_tasks(self._keeper)
        with contextlib.suppress(StoreUnavailable):
            await self._store.unwatch(self._changed.set)

    async def read(self) -> RuleSet:
        """The stored rules alone, with their revision; empty when none are. Raises what the store raises, and `InvalidRule`."""
        return _parsed(await self._store.load())

    async def save(self, rules: RuleSet) -> int:
        """Store these rules in place of the revision they were read at; the new revision. In force here at once.

        Raises `RulesChanged` when somebody was faster, `StoreUnavailable` or `StoreRefused`.
        """
        revision = await self._store.save(to_text(rules), expected_revision=rules.revision)
        await self.refresh()
        return revision

    async def refresh(self) -> bool:
        """Read and apply; False when the last good rules had to stay."""
        try:
            stored = await self._store.load(known_revision=self._stored.revision)
            if stored.revision != self._stored.revision:
                self._stored = _parsed(stored)
            rules = self._configured.overlaid(self._stored).without_expired(stored.now)
        except (StoreUnavailable, StoreRefused, InvalidRule) as error:
            self._limiter.note_unread_rules()
            if self._unread != error.message:
                _log.warning("limit_rules_unread", reason=error.message)
            self._unread = error.message
            return False
        if self._unread is not None:
            _log.info("limit_rules_read_again")
            self._unread = None
        if rules != self._limiter.rules:
            self._limiter.apply(rules)
            _log.info("limit_rules_applied", revision=rules.revision, rules=len(rules.rules))
        return True

    async def _keep(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._reread_seconds):
                    await self._changed.wait()
            self._changed.clear()
            try:
                await self.refresh()
            except Exception:  # noqa: BLE001  (the wall of a background loop)
                _log.exception("limit_rules_loop_failed")


def _parsed(stored: StoredDocument) -> RuleSet:
    return from_text(stored.text, revision=stored.revision) if stored.text else RuleSet(revision=stored.revision)
