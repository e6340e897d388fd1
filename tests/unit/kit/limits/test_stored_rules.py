"""Stored rules over configured ones: in force at once, never worse than the last good ones."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit import EnterpriseRateLimiter, MemoryRuleStore, Rule, RuleSet, StoredRules
from mcp_gateway.kit.errors import RulesChanged, StoreUnavailable
from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.limits.ports import StoredDocument

pytestmark = pytest.mark.anyio

CONFIGURED = Rule(name="tenant", limit=2, window_seconds=60)


class Store(MemoryRuleStore):
    """Away when told so."""

    away = False

    async def load(self, *, known_revision: int = 0) -> StoredDocument:
        if self.away:
            raise StoreUnavailable
        return await super().load(known_revision=known_revision)


class Replicas:
    """Two limiters over one store of rules."""

    def __init__(self) -> None:
        self.clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
        self.figures = RecordedFigures()
        self.store = Store(clock=self.clock)
        self.one, self.two = (EnterpriseRateLimiter([CONFIGURED], clock=self.clock, figures=self.figures) for _ in range(2))

    def limits(self) -> list[int]:
        return [limiter.rules.rules_for("acme", "ask")[0].limit for limiter in (self.one, self.two)]


async def until(reached: "list[int]", replicas: Replicas) -> None:
    async with asyncio.timeout(20):
        while replicas.limits() != reached:  # noqa: ASYNC110  (the other replica's own task is waited for)
            await asyncio.sleep(0)


async def test_a_change_is_in_force_on_every_replica_without_waiting_for_the_next_reading() -> None:
    replicas = Replicas()
    one = StoredRules(replicas.store, replicas.one, reread_seconds=3600)
    async with one, StoredRules(replicas.store, replicas.two, reread_seconds=3600):
        assert replicas.limits() == [2, 2]
        await one.save(RuleSet(rules=(Rule(name="tenant", limit=9, window_seconds=60),)))
        assert replicas.limits()[0] == 9
        await until([9, 9], replicas)
        assert replicas.two.rules.revision == 1


async def test_a_lost_announcement_is_made_up_for_by_reading_again() -> None:
    replicas = Replicas()
    async with StoredRules(replicas.store, replicas.one, reread_seconds=0.01) as stored:
        await replicas.store.unwatch(stored._changed.set)
        await replicas.store.save('{"rules":[{"name":"tenant","limit":4,"window_seconds":60}]}', expected_revision=0)
        await until([4, 2], replicas)


async def test_an_override_ends_by_the_clock_of_the_store() -> None:
    replicas = Replicas()
    override = Rule(name="tenant", limit=9, window_seconds=60, expires_at=replicas.clock.now() + timedelta(minutes=5))
    async with StoredRules(replicas.store, replicas.one, reread_seconds=3600) as stored:
        await stored.save(RuleSet(rules=(override,)))
        assert replicas.limits()[0] == 9
        replicas.clock.advance(301)
        await stored.refresh()
        assert replicas.limits()[0] == 2


@pytest.mark.parametrize("text", ["{", '{"rules":[{"name":"tenant","limit":-1,"window_seconds":60}]}'])
async def test_rules_that_cannot_be_understood_leave_the_last_good_ones(text: str) -> None:
    replicas = Replicas()
    async with StoredRules(replicas.store, replicas.one, reread_seconds=3600) as stored:
        await stored.save(RuleSet(rules=(Rule(name="tenant", limit=9, window_seconds=60),)))
        await replicas.store.save(text, expected_revision=1)
        assert await stored.refresh() is False
        assert replicas.limits()[0] == 9
    assert replicas.figures.total("limit_rules_unread") >= 1


async def test_a_store_that_is_away_leaves_the_rules_as_they_are() -> None:
    replicas = Replicas()
    replicas.store.away = True
    async with StoredRules(replicas.store, replicas.one, reread_seconds=3600) as stored:
        assert replicas.limits()[0] == 2
        replicas.store.away = False
        assert await stored.refresh() is True


async def test_a_store_that_stays_away_is_logged_once_until_it_is_back() -> None:
    replicas = Replicas()
    replicas.store.away = True
    with capture_logs() as lines:
        async with StoredRules(replicas.store, replicas.one, reread_seconds=3600) as stored:
            await stored.refresh()
            await stored.refresh()
            assert [line["event"] for line in lines] == ["limit_rules_unread"]
            replicas.store.away = False
            await stored.refresh()
            replicas.store.away = True
            await stored.refresh()
    assert [line["event"] for line in lines] == ["limit_rules_unread", "limit_rules_read_again", "limit_rules_unread"]


async def test_of_two_editors_the_slower_one_is_told() -> None:
    replicas = Replicas()
    async with StoredRules(replicas.store, replicas.one, reread_seconds=3600) as stored:
        read = await stored.read()
        await stored.save(read)
        with pytest.raises(RulesChanged):
            await stored.save(read)
