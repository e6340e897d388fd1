"""How many calls are under way at once: each holds a lease, renewed while it runs, given back at its end, lapsing when it died.

A lease can lapse under a holder that was stopped for longer than it lasts; `Hold.valid` turns false then. Nobody queues here: a
call that finds no place is refused (queues are `kit.resilience`).
"""

import asyncio
import math
import secrets
from typing import Self

from mcp_gateway.core.clock import Clock
from mcp_gateway.kit.errors import LimitsAway, StoreRefused, StoreUnavailable, TooManyAtOnce
from mcp_gateway.kit.limits.fallback import RETRY_WHEN_CLOSED_US, Fallback
from mcp_gateway.kit.limits.memory import MemoryLeaseStore
from mcp_gateway.kit.limits.model import ConcurrencyState
from mcp_gateway.kit.limits.plans import budget_name, key_name
from mcp_gateway.kit.limits.ports import LeaseStore, Place
from mcp_gateway.kit.limits.rules import AwayPolicy, ConcurrencyRule, Kind
from mcp_gateway.kit.limits.tallies import Tallies

RENEWALS_PER_LEASE = 3


class Holds:
    """Gives out holds over one store, and over this process alone while that is away."""

    def __init__(self, store: LeaseStore, *, fallback: Fallback, tallies: Tallies, clock: Clock) -> None:
        self.store = store
        self.local = MemoryLeaseStore(clock=clock)
        self.fallback = fallback
        self.tallies = tallies
        self.monotonic = clock.monotonic

    async def states(
        self, rules: tuple[ConcurrencyRule, ...], tenant: str, subject: str, operation: str
    ) -> tuple[ConcurrencyState, ...]:
        """Raises `StoreUnavailable` or `StoreRefused`."""
        if not rules:
            return ()
        held = await self.store.held(places_of(rules, tenant, subject, operation))
        return tuple(ConcurrencyState(rule=rule, held=count) for rule, count in zip(rules, held, strict=True))


class Hold:
    """A place under every concurrency rule of a call, for the length of an `async with` block; to be entered once.

    `away`: the strictest policy that stood in for the store, None when the store gave the place. `valid`: no lease has lapsed
    yet.
    """

    def __init__(self, holds: Holds, rules: tuple[ConcurrencyRule, ...], places: tuple[Place, ...], kind: Kind) -> None:
        self.away: AwayPolicy | None = None
        self.valid = True
        self._holds = holds
        self._rules = rules
        self._places = places
        self._kind = kind
        # Unguessable, so that nobody gives back another's place.
        self._holder = secrets.token_hex(8)
        self._given_by: LeaseStore | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Raises `TooManyAtOnce`; or `LimitsAway` when the store is away and a rule is closed without it."""
        if not self._places:
            return self
        store = self._holds.store
        try:
            answer = await store.acquire(self._places, self._holder)
        except (StoreUnavailable, StoreRefused):
            # The place may still be given after the answer was given up.
            store.release(self._places, self._holder)
            store, answer = await self._acquire_away()
        except asyncio.CancelledError:
            store.release(self._places, self._holder)
            raise
        if answer[0]:
            raise self._refused(answer)
        self._holds.tallies.lease("given")
        self._given_by = store
        self._renew_later()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._renewing is not None:
            self._renewing.cancel()
        if self._given_by is not None:
            self._given_by.release(self._places, self._holder)
            self._given_by = None

    async def _acquire_away(self) -> tuple[LeaseStore, list[int]]:
        """A place by each rule's policy, counted in this process against its share."""
        fallback = self._holds.fallback
        policies = [fallback.policy(rule, self._kind) for rule in self._rules]
        self.away = min(policies, key=("closed", "local", "open").index)
        if self.away == "closed":
            self._holds.tallies.lease("refused")
            raise LimitsAway(retry_after_seconds=RETRY_WHEN_CLOSED_US / 1_000_000)
        kept = [
            (rule, place._replace(limit=fallback.share(place.limit)))
            for rule, place, policy in zip(self._rules, self._places, policies, strict=True)
            if policy == "local"
        ]
        self._rules = tuple(rule for rule, _ in kept)
        self._places = tuple(place for _, place in kept)
        return self._holds.local, await self._holds.local.acquire(self._places, self._holder)

    def _refused(self, answer: list[int]) -> TooManyAtOnce:
        self._holds.tallies.lease("refused")
        full = [rule.name for rule, place, held in zip(self._rules, self._places, answer[1:], strict=True) if held >= place.limit]
        return TooManyAtOnce(
            retry_after_seconds=math.ceil(answer[0] / 1_000) / 1_000, violated_policies=list(full), degraded=self.away
        )

    def _renew_later(self) -> None:
        """A timer costs nothing to calls that are short; only those longer than a third of their lease get a task."""
        if self._places:
            shortest = min(place.lease_us for place in self._places) / 1_000_000
            interval = shortest / RENEWALS_PER_LEASE
            self._timer = asyncio.get_running_loop().call_later(interval, self._begin_renewing, shortest)

    def _begin_renewing(self, lease_seconds: float) -> None:
        self._renewing = asyncio.create_task(self._renew(lease_seconds), name="limit-lease")

    async def _renew(self, lease_seconds: float) -> None:
        interval = lease_seconds / RENEWALS_PER_LEASE
        renewed = self._holds.monotonic() - interval
        while self._given_by is not None:
            sent = self._holds.monotonic()
            try:
                kept = await self._given_by.renew(self._places, self._holder)
            except (StoreUnavailable, StoreRefused):
                kept = sent - renewed < lease_seconds
            else:
                renewed = sent
            if not kept:
                self.valid = False
                self._holds.tallies.lease("lost")
                return
            await asyncio.sleep(interval)


def places_of(rules: tuple[ConcurrencyRule, ...], tenant: str, subject: str, operation: str) -> tuple[Place, ...]:
    places = []
    for rule in rules:
        budget = budget_name(rule.operations, each_operation=rule.each_operation, operation=operation)
        key = key_name("rate_limit", rule.scope, tenant, subject, budget, f"{rule.name}:c")
        places.append(Place(key, rule.limit, round(rule.lease_seconds * 1_000_000)))
    return tuple(places)
