"""Injectors do what they say, and undo it."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from mcp_gateway.adapters.faults.clock import SkewedClock
from mcp_gateway.adapters.faults.flags import flagged
from mcp_gateway.adapters.faults.processes import stopped, stuttering
from mcp_gateway.adapters.faults.tcp_proxy import TcpProxy
from mcp_gateway.core.clock import FixedClock

pytestmark = pytest.mark.anyio


def test_a_skewed_clock_shows_another_time_of_day_and_measures_spans_rightly() -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    skewed = SkewedClock(clock)
    skewed.offset_seconds = 90
    assert (skewed.now() - clock.now()).total_seconds() == 90
    assert skewed.timestamp() - clock.timestamp() == 90
    assert skewed.monotonic() == clock.monotonic()


async def test_flags_are_taken_back() -> None:
    told: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        told.append(request.content)
        return httpx.Response(200)

    transport = httpx.MockTransport(answer)
    async with (
        httpx.AsyncClient(transport=transport) as client,
        flagged(client, "http://engine/flags", {"delay": 1}, before={"delay": 0}),
    ):
        assert len(told) == 1
    assert [one.replace(b" ", b"") for one in told] == [b'{"delay":1}', b'{"delay":0}']


async def test_a_stopped_process_goes_on() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    try:
        async with stopped(process.pid):
            assert await _state(process.pid, "T")
        assert await _state(process.pid, "RS")
        over = asyncio.Event()
        async with stuttering(process.pid, stopped_seconds=60, running_seconds=60, until=over):
            assert await _state(process.pid, "T")
            over.set()
            assert await _state(process.pid, "RS")
    finally:
        process.kill()
        await process.wait()


async def test_a_line_can_be_deaf_and_cut() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(100):
            writer.write(piece)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, TcpProxy("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"one")
        assert await asyncio.wait_for(reader.read(10), 10) == b"one"
        await proxy.cut()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 10)
        writer.close()


async def _state(pid: int, wanted: str) -> bool:
    """Whether the kernel says so, soon."""
    for _ in range(2_000):
        stat = await asyncio.to_thread(Path(f"/proc/{pid}/stat").read_text, encoding="ascii")
        if stat.rpartition(")")[2].split()[0] in wanted:
            return True
        await asyncio.sleep(0.005)
    return False
