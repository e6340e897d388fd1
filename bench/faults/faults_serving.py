"""F14 to F26: the engine, what stands before it, the process, the database, identity and the MCP servers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from bench.faults.cases import Fault, Strength, by_strength, closed_port, engine_flags, flag, replica_flags
from bench.faults.database import drop_index
from bench.faults.lab import Lab

from mcp_gateway.adapters.faults.flags import flagged
from mcp_gateway.adapters.faults.processes import stopped, stuttering


@contextlib.asynccontextmanager
async def slow_engine(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    async with engine_flags(lab, delay=by_strength(strength, 0.15, 0.8, 3.0)):
        yield


@contextlib.asynccontextmanager
async def failing_engine(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    async with engine_flags(lab, errors=by_strength(strength, 0.25, 0.6, 0.95)):
        yield


@contextlib.asynccontextmanager
async def hanging_engine(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    async with engine_flags(lab, hangs=by_strength(strength, 0.2, 1.0, 1.0)):
        yield


@contextlib.asynccontextmanager
async def wrong_address(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    with closed_port() as port:
        nobody = f"http://127.0.0.1:{port}"
        url = by_strength(strength, nobody, "http://engine.invalid", nobody)
        async with replica_flags(lab, *((0,) if strength == "mild" else ()), engine_url=url):
            yield


@contextlib.asynccontextmanager
async def lost_index(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    """Mild: that of the rarer statement. Severe: both."""
    names = by_strength(strength, ("orders_day",), ("orders_customer",), ("orders_customer", "orders_day"))
    for name in names:
        await asyncio.to_thread(drop_index, lab.rig.database, name)
    yield


@contextlib.asynccontextmanager
async def rotated(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    """The issuer signs with a key it does not publish; mild: with the former one too. Severe: the key set is not to be had."""
    lab.rig.issuer.rotate(share_new=0.5 if strength == "mild" else 1.0)
    lab.rig.issuer.failing = strength == "severe"
    yield


@contextlib.asynccontextmanager
async def one_clock(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    async with replica_flags(lab, 1, clock_seconds=by_strength(strength, 40.0, 90.0, 300.0)):
        yield


@contextlib.asynccontextmanager
async def small_pool(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    """Mild: only one replica's."""
    async with replica_flags(lab, *((0,) if strength == "mild" else ()), pool_size=1):
        lab.rig.load.mix.chat *= by_strength(strength, 2.2, 2.4, 3.0)
        yield


@contextlib.asynccontextmanager
async def leaking(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    """The allocations of one replica are followed, as one would do it who looks for a leak."""
    async with (
        replica_flags(lab, keep_bytes=by_strength(strength, 100_000, 200_000, 500_000)),
        replica_flags(lab, 0, follow_allocations=True),
    ):
        yield


@contextlib.asynccontextmanager
async def hung_server(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    pid = lab.rig.servers["billing"].pid
    mild = stuttering(pid, stopped_seconds=2.2, running_seconds=0.4, until=lab.stop_stuttering)
    async with mild if strength == "mild" else stopped(pid):
        yield


@contextlib.asynccontextmanager
async def renamed_field(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    """One server, or both when severe."""
    async with contextlib.AsyncExitStack() as stack:
        for name in ("shipping",) if strength != "severe" else ("shipping", "billing"):
            url = f"{lab.rig.servers[name].url}/flags"
            await stack.enter_async_context(flagged(lab.rig.client, url, {"renamed": True}, before={}))
        yield


F14 = Fault(
    code="F14", component="engine", inject=slow_engine,
    signals=("engine.request_p50_ms", "engine_deep.probe_ms"), tempting="raise the timeout",
)  # fmt: skip
F15 = Fault(
    code="F15", component="engine", inject=failing_engine,
    signals=("upstream.calls_total",), tempting="disable the breaker",
)  # fmt: skip
F16 = Fault(
    code="F16", component="engine", inject=hanging_engine,
    signals=("upstream.calls_total", "engine_deep.probe_outcome", "engine.in_flight"), tempting="believe the health page",
)  # fmt: skip
F17 = Fault(
    code="F17", component="engine",
    inject=flag("breaker", "forced_open", "forced_open", "forced_open", one_when_mild=True),
    signals=("gateway.breaker_state", "gateway.breaker_forced_open"), tempting="restart the engine",
)  # fmt: skip
F18 = Fault(
    code="F18", component="engine", inject=small_pool,
    signals=("gateway.pool_exhausted_total", "upstream.pool_wait_p95_ms"), tempting="blame the engine",
)  # fmt: skip
F19 = Fault(
    code="F19", component="engine", inject=flag("leak_every", 4, 2, 1),
    signals=("gateway.pool_in_use",), tempting="enlarge the pool",
)  # fmt: skip
F20 = Fault(
    code="F20", component="faults/replica.py",
    inject=leaking, seconds=16.0,
    signals=("gateway.rss_bytes",), tempting="raise the memory limit",
)  # fmt: skip
F21 = Fault(
    code="F21", component="replica.py",
    inject=flag("block_seconds", 0.08, 0.12, 0.2, block_share=0.35),
    signals=("gateway.loop_blocked_total", "gateway.loop_lag_p99_ms"), tempting="blame the engine",
)  # fmt: skip
F22 = Fault(
    code="F22", component="orders", inject=lost_index, signals=("sql.query_p50_ms",), tempting="cache it"
)  # fmt: skip
F23 = Fault(
    code="F23", component="configuration", inject=wrong_address,
    signals=("upstream.calls_total",), tempting="restart the engine",
)  # fmt: skip
F24 = Fault(
    code="F24", component="replica", inject=one_clock,
    signals=("gateway.clock_skew_seconds",), tempting="rotate keys",
)  # fmt: skip
F25 = Fault(
    code="F25", component="identity", inject=rotated,
    signals=("gateway.auth_failures_total",), tempting="disable verification",
)  # fmt: skip
F26 = Fault(
    code="F26", component="billing", inject=hung_server,
    signals=("mcp.calls_total",), tempting="retry storm",
)  # fmt: skip
F26B = Fault(
    code="F26b", component="shipping", inject=renamed_field,
    signals=("mcp.tools_digest",), tempting="retry storm",
)  # fmt: skip
