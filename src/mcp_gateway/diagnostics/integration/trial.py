"""`test_ai_engine_integration`: real requests to the engine and through the gateway, and what came of each.

What could not be tried, because nothing is configured or nobody lets us, is skipped and said; the rate counts what was tried,
and where something was skipped it is not all that passed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from types import MappingProxyType
from typing import Literal, TypeAlias

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.asking import Rights
from mcp_gateway.diagnostics.integration.ports import Attempt, CacheTrial, EngineLine
from mcp_gateway.diagnostics.operations import EngineOrder, TestType
from mcp_gateway.diagnostics.verdict import BlindSpot

Status: TypeAlias = Literal["pass", "fail", "skip"]
Overall: TypeAlias = Literal["all_pass", "incomplete", "some_failed", "all_failed", "could_not_tell"]

# Asks nothing of anybody's data, so that no engine keeps anything of it.
MESSAGE = "Diagnostics: are you there?"
REQUESTS = 5
# Of one test; all of them run at the same time.
TEST_SECONDS = 7.0
_NO_GATEWAY = "No gateway is configured: set BACKEND_ORCHESTRATOR_URL."
_TOKENS = "set AI_ENGINE_TOKEN or BACKEND_ORCHESTRATOR_TOKEN to a token of that tenant"
_UNAUTHORIZED = frozenset({401, 403})


@dataclass(frozen=True, kw_only=True, slots=True)
class TestDone:
    """`facts` by the names of the specification: response_time_ms, successful_requests, data_integrity, …"""

    __test__ = False  # a tool's name, no test of ours

    test: str
    status: Status
    facts: Mapping[str, Json]
    reason: str = ""

    def to_dict(self) -> dict[str, Json]:
        return {"test": self.test, "status": self.status, **self.facts, **({"reason": self.reason} if self.reason else {})}


@dataclass(frozen=True, kw_only=True, slots=True)
class IntegrationFound:
    """Skipped tests count neither way, but keep the whole from being called passed."""

    at: datetime
    order: EngineOrder
    tests: tuple[TestDone, ...]

    @property
    def tried(self) -> tuple[TestDone, ...]:
        return tuple(one for one in self.tests if one.status != "skip")

    @property
    def passed(self) -> int:
        return sum(one.status == "pass" for one in self.tests)

    @property
    def overall(self) -> Overall:
        if not self.tried:
            return "could_not_tell"
        if self.passed == len(self.tried):
            return "all_pass" if self.passed == len(self.tests) else "incomplete"
        return "some_failed" if self.passed else "all_failed"

    @property
    def blind_spots(self) -> tuple[BlindSpot, ...]:
        return tuple(BlindSpot(what=one.test, why=one.reason) for one in self.tests if one.status == "skip")

    def to_dict(self) -> dict[str, Json]:
        """The shape of the specification, with more beside it."""
        tried = len(self.tried)
        rate = f"{self.passed}/{tried} ({self.passed / tried * 100:.1f}%)" if tried else "0/0"
        return {
            "timestamp": self.at.isoformat(),
            "test_type": self.order.test_type,
            "tenant_id": self.order.tenant_id,
            "tests_performed": [one.to_dict() for one in self.tests],
            "overall_status": self.overall,
            "pass_rate": rate,
            "skipped": len(self.tests) - tried,
            "blind_spots": [one.to_dict() for one in self.blind_spots],
        }


_Test: TypeAlias = Callable[["TryEngine", EngineOrder], Awaitable[TestDone]]


@dataclass(frozen=True, kw_only=True, slots=True)
class TryEngine:
    """`line` None: no engine is configured; `cache` None: no store is. Takes at most 8 s. Raises `InvalidTenantName`."""

    line: EngineLine | None
    cache: CacheTrial | None
    rights: Rights
    clock: Clock
    test_seconds: float = field(default=TEST_SECONDS)

    async def __call__(self, caller: Caller, order: EngineOrder) -> IntegrationFound:
        self.rights.names(caller, order.tenant_id)
        wanted = [name for name in _TESTS[order.test_type] if name != "cache_integration" or order.include_cache_test]
        done = await asyncio.gather(*(self._run(name, order) for name in wanted))
        return IntegrationFound(at=self.clock.now(), order=order, tests=tuple(done))

    async def _run(self, name: str, order: EngineOrder) -> TestDone:
        if self.line is None and name != "cache_integration":
            return _skipped(name, "No engine is configured: set AI_ENGINE_URL.")
        try:
            async with asyncio.timeout(self.test_seconds):
                return await _BY_NAME[name](self, order)
        except TimeoutError:
            return TestDone(test=name, status="fail", facts={}, reason=f"It took longer than {self.test_seconds:g} s.")
        except GatewayError as error:
            return TestDone(test=name, status="fail", facts={"code": error.code}, reason=error.message)

    @property
    def _line(self) -> EngineLine:
        if self.line is None:
            raise LookupError("no engine")
        return self.line

    async def health(self, _: EngineOrder) -> TestDone:
        found = await self._line.health()
        return _done("ai_engine_health", good=found.outcome == "ok", attempt=found)

    async def gateway(self, _: EngineOrder) -> TestDone:
        found = await self._line.gateway_health()
        if found is None:
            return _skipped("gateway_health", _NO_GATEWAY)
        return _done("gateway_health", good=found.outcome in {"ok", "unauthorized"}, attempt=found)

    async def performance(self, order: EngineOrder) -> TestDone:
        """One after another first, to see one request alone; then several at the same time."""
        name = "ai_engine_performance"
        alone = await self._line.ask(MESSAGE, order.tenant_id)
        if skipped := _cannot_ask(name, alone):
            return skipped
        together = await asyncio.gather(*(self._line.ask(MESSAGE, order.tenant_id) for _ in range(REQUESTS - 1)))
        tried = [alone, *together]
        good = [one for one in tried if one.reply]
        times = sorted(one.milliseconds for one in tried)
        facts: dict[str, Json] = {
            "successful_requests": len(good),
            "total_requests": len(tried),
            "response_time_ms": round(median(times), 2),
            "alone_ms": round(alone.milliseconds, 2),
            "slowest_ms": round(times[-1], 2),
            "path": alone.path,
        }
        reason = "" if len(good) == len(tried) else f"{len(tried) - len(good)} of {len(tried)} requests failed: {_ends(tried)}."
        return TestDone(test=name, status="fail" if reason else "pass", facts=facts, reason=reason)

    async def errors(self, order: EngineOrder) -> TestDone:
        """Bad requests are refused at once, as the caller's fault, in a form programs can read, and show nothing inner."""
        garbage, nothing = await asyncio.gather(self._line.send_garbage(order.tenant_id), self._line.ask_for_nothing())
        if skipped := _cannot_ask("error_handling", garbage):
            return skipped
        faults = _faults(garbage, nothing)
        facts: dict[str, Json] = {
            "response_time_ms": round(garbage.milliseconds, 2),
            "bad_body_status": garbage.status,
            "unknown_path_status": nothing.status,
            "structured_errors": garbage.structured,
        }
        return TestDone(test="error_handling", status="fail" if faults else "pass", facts=facts, reason="; ".join(faults))

    async def cache_integration(self, _: EngineOrder) -> TestDone:
        if self.cache is None:
            return _skipped("cache_integration", "No store is configured: set REDIS_URL.")
        found = await self.cache.round_trip()
        facts: dict[str, Json] = {
            "response_time_ms": round(found.milliseconds, 2),
            "data_integrity": found.intact,
            "left_behind": not found.removed,
        }
        good = found.intact and found.removed
        return TestDone(test="cache_integration", status="pass" if good else "fail", facts=facts, reason=found.detail)

    async def full_flow(self, order: EngineOrder) -> TestDone:
        name = "full_integration_flow"
        found = await self._line.ask_through_gateway(MESSAGE, order.tenant_id)
        if found is None:
            return _skipped(name, _NO_GATEWAY)
        if skipped := _cannot_ask(name, found):
            return skipped
        return _done(name, good=found.reply, attempt=found, more={"response_contains_reply": found.reply, "path": found.path})


_BY_NAME: Mapping[str, _Test] = MappingProxyType(
    {
        "ai_engine_health": TryEngine.health,
        "gateway_health": TryEngine.gateway,
        "ai_engine_performance": TryEngine.performance,
        "error_handling": TryEngine.errors,
        "cache_integration": TryEngine.cache_integration,
        "full_integration_flow": TryEngine.full_flow,
    }
)
_TESTS: Mapping[TestType, Sequence[str]] = MappingProxyType(
    {
        "connectivity": ("ai_engine_health", "gateway_health"),
        "performance": ("ai_engine_health", "ai_engine_performance"),
        "error_handling": ("ai_engine_health", "error_handling"),
        "cache": ("cache_integration",),
        "full_flow": tuple(_BY_NAME),
    }
)


def _faults(garbage: Attempt, nothing: Attempt) -> list[str]:
    faults = []
    if not 400 <= garbage.status < 500:
        faults.append(f"a body that is no JSON is answered with {_ending(garbage)}")
    if nothing.status not in {404, *_UNAUTHORIZED}:
        faults.append(f"an unknown path is answered with {_ending(nothing)}")
    if garbage.leaks or nothing.leaks:
        faults.append("an error shows a stack trace")
    return faults


def _done(name: str, *, good: bool, attempt: Attempt, more: Mapping[str, Json] = MappingProxyType({})) -> TestDone:
    facts: dict[str, Json] = {"response_time_ms": round(attempt.milliseconds, 2), "status_code": attempt.status or None, **more}
    return TestDone(
        test=name, status="pass" if good else "fail", facts=facts, reason="" if good else f"It ended with {_ending(attempt)}."
    )


def _cannot_ask(name: str, found: Attempt) -> TestDone | None:
    """Being kept out says nothing about what is inside."""
    if not found.path:
        return _skipped(name, "None of the usual paths takes a message there.")
    if found.status in _UNAUTHORIZED:
        code = f", {found.code}" if found.code else ""
        return _skipped(name, f"It does not let us in (status {found.status}{code}); {_TOKENS}.")
    return None


def _skipped(name: str, why: str) -> TestDone:
    return TestDone(test=name, status="skip", facts={}, reason=why)


def _ending(found: Attempt) -> str:
    if found.outcome != "ok" or not found.status:
        return found.detail or found.outcome
    return f"status {found.status}" if found.status >= 400 else f"status {found.status} and no reply in it"


def _ends(tried: Sequence[Attempt]) -> str:
    return ", ".join(sorted({_ending(one) for one in tried if not one.reply}))
