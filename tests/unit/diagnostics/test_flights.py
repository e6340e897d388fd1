"""Looks asked for at the same moment are one."""

import asyncio
from datetime import UTC, datetime

import pytest
from tests.operations_tools import ADMIN, VIEWER, tools_for
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.deployment.readers import Addresses
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.diagnostics.history import SnapshotHistory
from mcp_gateway.diagnostics.observing import Observing
from mcp_gateway.diagnostics.operations import CoherenceOrder, HealthOrder
from mcp_gateway.diagnostics.signals.snapshot import Readings, reading

pytestmark = pytest.mark.anyio


class Gated:
    """Answers when it is let, and counts."""

    name = "gated"

    def __init__(self) -> None:
        self.begun = self.ended = 0
        self.gate = asyncio.Event()

    async def read(self) -> Readings:
        self.begun += 1
        try:
            await self.gate.wait()
        finally:
            self.ended += 1
        return Readings(readings=(reading("gateway.up", 1.0),))


def observing(*sources: Gated) -> Observing:
    clock = FixedClock(datetime(2026, 11, 22, tzinfo=UTC))
    return Observing(always=sources, once=(), history=SnapshotHistory(), clock=clock, pause_seconds=0, source_seconds=60)


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_twenty_who_ask_at_once_are_shown_one_look_and_the_next_has_its_own() -> None:
    source = Gated()
    looking = observing(source)
    asked = [asyncio.create_task(looking.observe(window_seconds=60)) for _ in range(20)]
    await turns()
    assert source.begun == 1
    source.gate.set()
    windows = await asyncio.gather(*asked)
    assert source.begun == 2
    assert all(one.last is windows[0].last for one in windows)
    await looking.look(whole=True)
    assert source.begun == 3


async def test_who_leaves_takes_nothing_from_the_others_and_the_last_ends_it() -> None:
    source = Gated()
    looking = observing(source)
    first, other = [asyncio.create_task(looking.look(whole=True)) for _ in range(2)]
    await turns()
    first.cancel()
    await turns()
    assert (source.begun, source.ended) == (1, 0)
    other.cancel()
    await turns()
    assert (source.begun, source.ended) == (1, 1)
    late = asyncio.create_task(looking.look(whole=True))
    await turns()
    source.gate.set()
    assert (await late).find("gateway.up", {})


async def test_a_store_is_asked_once_for_many_and_each_is_shown_what_they_may_see(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        for number in range(50):
            client.set(f"cache:lists:rival:{number}", "x")
        client.config_resetstat()
    tools = tools_for(Addresses(redis_url=valkey.url))
    callers = [ADMIN, VIEWER] * 10
    diagnosed = asyncio.gather(*(tools.diagnose_health(caller, HealthOrder()) for caller in callers))
    analyzed = await asyncio.gather(*(tools.analyze_cache(caller, CoherenceOrder()) for caller in callers))
    await diagnosed
    with valkey.client() as client:
        asked = client.info("stats")["total_commands_processed"]
    assert asked < 2 * 200
    assert ["rival" in str(one.to_dict()) for one in analyzed] == [True, False] * 10
