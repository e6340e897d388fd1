"""What a replica of the rig calls: the engine behind pool and breaker, the MCP servers, the database."""

import asyncio
import contextlib
import sqlite3
import threading
import time
from contextlib import AsyncExitStack
from itertools import count
from typing import Any

import httpx

from mcp_gateway.core.errors import Json, TimedOut, Unavailable
from mcp_gateway.federation.filters.measure import CALLS as MCP_CALLS
from mcp_gateway.federation.filters.measure import SECONDS as MCP_SECONDS
from mcp_gateway.kit import BreakerPolicy, CircuitBreaker, PoolPolicy, ResourcePool, TimeBased
from mcp_gateway.kit.figures import Figures, Metric
from mcp_gateway.kit.resilience.upstream_metrics import UpstreamMetrics, classify

ENGINE_TIMEOUT = httpx.Timeout(2.0, connect=0.5, pool=1.0)
POOL_SIZE = 32
POOL_WAIT_SECONDS = 0.4
MCP_TIMEOUT_SECONDS = 1.0
SQL_SECONDS = Metric(name="sql_seconds", help="Queries by what they are for.", kind="histogram", labels=("statement",))
STATEMENTS = {
    "orders.by_customer": "SELECT count(*), sum(total) FROM orders WHERE customer = ?",
    "orders.by_day": "SELECT count(*), max(total) FROM orders WHERE day = ?",
}


class EngineFailed(Unavailable):
    """The engine answered with an error, or not at all."""

    code = "ENGINE_FAILED"


class EngineTimedOut(TimedOut):
    """The engine did not answer in time."""

    code = "ENGINE_TIMED_OUT"


class EngineLine:
    """Calls to the engine: breaker, then pool, then the wire."""

    def __init__(self, url: str, client: httpx.AsyncClient, *, figures: Figures) -> None:
        self.url = url
        self._client, self._figures = client, figures
        self._metrics = UpstreamMetrics("engine", figures=figures)
        policy = BreakerPolicy(window=TimeBased(seconds=5, buckets=5), minimum_calls=20, open_seconds=1, max_open_seconds=2)
        self.breaker = CircuitBreaker("engine", policy, figures=figures)
        self._numbers = count(1)
        self._left_behind: list[Any] = []
        self.leak_every = 0
        self.resize(POOL_SIZE)

    def resize(self, size: int) -> None:
        """A pool of that size, nothing of it in use."""
        policy = PoolPolicy(name="engine", size=size, max_wait_seconds=POOL_WAIT_SECONDS)
        self._pool = ResourcePool(policy, figures=self._figures)

    async def ask(self, message: str) -> Json:
        return await self.breaker.call(self._send, message)

    async def _send(self, message: str) -> Json:
        try:
            with self._metrics.call() as one:
                async with AsyncExitStack() as stack:
                    await stack.enter_async_context(self._pool.lease("chat"))
                    one.placed()
                    request = self._client.build_request(
                        "POST", f"{self.url}/chat", json={"message": message}, timeout=ENGINE_TIMEOUT
                    )
                    answer = await self._client.send(request, stream=True)
                    one.status = answer.status_code
                    if self.leak_every and next(self._numbers) % self.leak_every == 0:
                        self._left_behind.append((stack.pop_all(), answer))
                        return {"reply": ""}
                    body = await answer.aread()
                    await answer.aclose()
        except httpx.TimeoutException as error:
            raise EngineTimedOut from error
        except httpx.TransportError as error:
            raise EngineFailed from error
        if answer.status_code != 200:
            raise EngineFailed(status=answer.status_code)
        return {"reply": body.decode()[:200]}

    async def recycle(self) -> None:
        """Give back what was left behind."""
        for stack, answer in self._left_behind:
            with contextlib.suppress(httpx.HTTPError):
                await answer.aclose()
            await stack.aclose()
        self._left_behind.clear()


class ToolLine:
    """Calls to the MCP servers."""

    def __init__(self, servers: dict[str, str], client: httpx.AsyncClient, *, figures: Figures) -> None:
        self._servers, self._client, self._figures = servers, client, figures

    async def call(self, server: str) -> Json:
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "track", "arguments": {"order": "7"}}}
        begun, outcome = asyncio.get_running_loop().time(), "timeout"
        try:
            answer = await self._client.post(self._servers[server], json=asked, timeout=MCP_TIMEOUT_SECONDS)
            body = answer.json()
            outcome = "ok" if "result" in body else "invalid" if body["error"]["code"] == -32602 else "error"
        except httpx.TimeoutException as error:
            raise EngineTimedOut(f"The server {server} did not answer in time.") from error
        except httpx.TransportError as error:
            outcome = "broken" if classify(error) == "broken" else "unreachable"
            raise EngineFailed(f"The server {server} cannot be reached.") from error
        finally:
            self._figures.counter(MCP_CALLS, server=server, tool="track", outcome=outcome).add()
            self._figures.histogram(MCP_SECONDS, server=server).observe(asyncio.get_running_loop().time() - begun)
        if outcome != "ok":
            raise EngineFailed(f"The server {server} refused the call.")
        return {"status": "on its way"}


class Reports:
    """The database, asked in threads."""

    def __init__(self, path: str, *, figures: Figures) -> None:
        self._path, self._figures = path, figures
        self._local = threading.local()

    async def read(self, statement: str, value: int) -> Json:
        row, seconds = await asyncio.to_thread(self._ask, STATEMENTS[statement], value)
        self._figures.histogram(SQL_SECONDS, statement=statement).observe(seconds)
        return {"orders": row[0], "total": row[1]}

    def _ask(self, statement: str, value: int) -> Any:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
        begun = time.perf_counter()
        row = connection.execute(statement, (value,)).fetchone()
        return row, time.perf_counter() - begun
