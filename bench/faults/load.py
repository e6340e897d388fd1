"""A steady load of twenty tenants on the replicas of the rig, and what became of it.

Requests begin when they are due, whether or not earlier ones have ended, so that a slow system does not look like a quiet one.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Self

import httpx

from mcp_gateway.core.tasks import end_tasks

TENANTS = tuple(f"tenant-{index:02}" for index in range(20))
KEPT_SECONDS = 120.0
MOST_UNDER_WAY = 400
TIMEOUT_SECONDS = 6.0


@dataclass(slots=True)
class Mix:
    """Requests a second by kind. `lists`, `catalog`: how many different ones a tenant, or everybody, asks for."""

    chat: float = 16.0
    lists: float = 14.0
    catalog: float = 10.0
    fast: float = 8.0
    track: float = 6.0
    reports: float = 6.0
    changes: float = 1.0
    distinct_lists: int = 3
    distinct_catalog: int = 40
    hot_share: float = 0.0
    slower_statement: float = 0.2

    def times(self, factor: float) -> "Mix":
        """The same, so many times as much."""
        kinds = ("chat", "lists", "catalog", "fast", "track", "reports", "changes")
        return Mix(
            **{kind: getattr(self, kind) * factor for kind in kinds},
            distinct_lists=self.distinct_lists,
            distinct_catalog=self.distinct_catalog,
        )


@dataclass(frozen=True, slots=True)
class Done:
    """One request. `status` 0: no answer. `at` is monotonic."""

    at: float
    kind: str
    tenant: str
    status: int
    seconds: float
    url: str


@dataclass(slots=True)
class Seen:
    """What the clients saw of a stretch of time; the noisy tenant, who asks for more than is his, is left out."""

    count: int = 0
    good: int = 0
    p50: dict[str, float] = field(default_factory=dict)
    p95: dict[str, float] = field(default_factory=dict)

    @property
    def success(self) -> float:
        return self.good / self.count if self.count else 0.0


class Load:
    """Runs while it is entered. `mix` may be changed at any time; `flood` is a tenant's further requests a second to /fast."""

    def __init__(self, urls: Sequence[str], token: Callable[[str, int], str]) -> None:
        self._urls = tuple(urls)
        self._token = token
        self._tokens: dict[str, tuple[float, str]] = {}
        self._numbers = count()  # of requests: they go to the replicas in turn
        self._turns = count()
        self._random = random.Random(11)  # noqa: S311  # the same load in each run
        self._running: set[asyncio.Task[None]] = set()
        self._done: deque[Done] = deque()
        self.mix = Mix()
        self.flood = 0.0
        self.noisy = TENANTS[3]
        self.token_seconds = 2.0

    async def __aenter__(self) -> Self:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        self._client = httpx.AsyncClient(limits=limits, timeout=TIMEOUT_SECONDS, trust_env=False)
        kinds = ("chat", "lists", "catalog", "fast", "track", "reports", "changes")
        self._tasks = [asyncio.create_task(self._keep(kind)) for kind in kinds] + [asyncio.create_task(self._flood())]
        return self

    async def __aexit__(self, *_: object) -> None:
        await end_tasks(*self._tasks, *self._running)
        await self._client.aclose()

    def seen(self, since: float, until: float | None = None) -> Seen:
        """From `since` on, by when requests began (monotonic)."""
        until = until or time.monotonic()
        them = [one for one in self._done if since <= one.at < until and one.tenant != self.noisy]
        good = [one for one in them if 200 <= one.status < 300]
        seen = Seen(count=len(them), good=len(good))
        for kind in {one.kind for one in good}:
            seconds = sorted(one.seconds for one in good if one.kind == kind)
            seen.p50[kind] = seconds[len(seconds) // 2]
            seen.p95[kind] = seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))]
        return seen

    def statuses(self, since: float) -> dict[str, int]:
        """How many of each kind and status: for people who look for what went wrong."""
        found: dict[str, int] = {}
        for one in self._done:
            if one.at >= since:
                found[f"{one.kind} {one.status}"] = found.get(f"{one.kind} {one.status}", 0) + 1
        return dict(sorted(found.items()))

    async def _keep(self, kind: str) -> None:
        due = time.monotonic() + self._random.random()
        while True:
            rate = getattr(self.mix, kind)
            due = max(due, time.monotonic() - 0.2) + 1.0 / max(rate, 0.01)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._begin(kind, TENANTS[next(self._turns) % len(TENANTS)])

    async def _flood(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            for _ in range(round(self.flood * 0.05)):
                self._begin("fast", self.noisy)

    def _begin(self, kind: str, tenant: str) -> None:
        if len(self._running) >= MOST_UNDER_WAY:
            self._done.append(Done(time.monotonic(), kind, tenant, 0, 0.0, ""))
            return
        task = asyncio.create_task(self._ask(kind, tenant))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _ask(self, kind: str, tenant: str) -> None:
        number = next(self._numbers)
        url = self._urls[number % len(self._urls)]
        method, path = self._request(kind, number)
        begun, status = time.monotonic(), 0
        try:
            headers = {"authorization": f"Bearer {self._fresh_token(tenant, number)}"}
            answer = await self._client.request(method, url + path, headers=headers)
            status = answer.status_code
        except httpx.TransportError:
            pass
        self._done.append(Done(begun, kind, tenant, status, time.monotonic() - begun, url))
        while self._done and self._done[0].at < begun - KEPT_SECONDS:
            self._done.popleft()

    def _request(self, kind: str, number: int) -> tuple[str, str]:
        mix, choose = self.mix, self._random
        match kind:
            case "chat":
                return "POST", "/chat"
            case "lists":
                return "GET", f"/lists/{choose.randrange(mix.distinct_lists)}"
            case "changes":
                return "POST", f"/lists/{choose.randrange(mix.distinct_lists)}/changed"
            case "catalog":
                hot = choose.random() < mix.hot_share
                return "GET", f"/catalog/{0 if hot else choose.randrange(mix.distinct_catalog)}"
            case "track":
                return "GET", f"/track/{'shipping' if number % 4 < 2 else 'billing'}"
            case "reports":
                slower = choose.random() < mix.slower_statement
                return "GET", f"/reports/{'orders.by_day' if slower else 'orders.by_customer'}/{choose.randrange(1000)}"
        return "GET", "/fast"

    def _fresh_token(self, tenant: str, number: int) -> str:
        number //= len(self._urls)  # not in step with the replicas
        key, now = f"{tenant}/{number % 2}", time.monotonic()
        known = self._tokens.get(key)
        if known is None or now - known[0] > self.token_seconds:
            known = self._tokens[key] = (now, self._token(tenant, number))
        return known[1]
