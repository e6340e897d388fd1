"""`troubleshoot_production_issue`: which cause, by which evidence, what was ruled out, and what may be done about it.

It changes nothing: what it recommends is carried out elsewhere, by whoever decides to.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.actions.kinds import told
from mcp_gateway.diagnostics.actions.remedies import remedies
from mcp_gateway.diagnostics.asking import Rights, window_seconds
from mcp_gateway.diagnostics.causes.process import unfollowed
from mcp_gateway.diagnostics.causes.ranking import Causes, find_causes
from mcp_gateway.diagnostics.departures import departures, told_by
from mcp_gateway.diagnostics.limit_figures import by_operation, decided, read_limits
from mcp_gateway.diagnostics.observing import Observer
from mcp_gateway.diagnostics.operations import IssueType, TroubleOrder
from mcp_gateway.diagnostics.ports import Deployment, History, LimitState, LimitStates
from mcp_gateway.diagnostics.reached import Trouble, not_configured, read_enough, unreached
from mcp_gateway.diagnostics.sampling import Judged
from mcp_gateway.diagnostics.signals.names import Names
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Action, BlindSpot, Diagnosis, Hypothesis, Verdict

# Which causes each kind of trouble asks about; what else stands is told too, for it may be the cause of these.
ASKED: Mapping[IssueType, frozenset[str]] = MappingProxyType(
    {
        "rate_limiting": frozenset(
            {"tenant_flood", "limit_too_low", "limiter_keys_without_ttl", "redis_script_lost", "redis_hung", "redis_refused"}
        ),
        "cache_miss": frozenset(
            {
                "cache_ttl_too_short", "redis_memory_evicting", "redis_memory_full", "invalidations_lost", "hot_key", "big_key",
                "redis_hung", "redis_refused",
            }
        ),
        "circuit_breaker": frozenset(
            {"breaker_stuck_open", "engine_errors", "engine_hangs", "engine_slow", "upstream_address_wrong"}
        ),
        "proxy_timeout": frozenset(
            {
                "engine_hangs", "engine_slow", "upstream_pool_too_small", "connection_leak", "upstream_address_wrong",
                "event_loop_blocked", "mcp_server_hung", "mcp_schema_changed",
            }
        ),
        "memory_leak": frozenset({"memory_leak", "connection_leak", "limiter_keys_without_ttl"}),
        "high_latency": frozenset(
            {
                "event_loop_blocked", "engine_slow", "upstream_pool_too_small", "connection_leak", "slow_sql", "redis_hung",
                "slow_redis_command", "big_key", "hot_key",
            }
        ),
    }
)  # fmt: skip
# The kind of trouble under which a cause is met first.
_MET_AS: Mapping[str, IssueType] = MappingProxyType(
    {cause: kind for kind in reversed(tuple(ASKED)) for cause in ASKED[kind]}
    | {"clock_skew": "proxy_timeout", "signing_keys_stale": "proxy_timeout"}
)
_PRIORITIES = ("high", "medium", "low")
# What began a moment ago is looked for in so much of the window's end.
LATEST_SECONDS = 60.0
# What shows in figures and has no cause yet may have begun even later.
CLOSER_SECONDS = 20.0
# What was otherwise for less than this and is well now is not worth telling.
LASTING = timedelta(hours=1)
# How sure it is that something is wrong where figures depart from the usual and no cause is known.
DEPARTED = 0.6
# As sure as anything is told.
SEEN = 0.98
_SUMMARIES: Mapping[Verdict, str] = MappingProxyType(
    {
        "healthy": "What was read is as usual.",
        "could_not_tell": "Nothing wrong was seen, and too little was read to call it well: see the blind spots.",
        "degraded": "A part does not answer as it should.",
        "unhealthy": "A part that others stand on does not answer.",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TroubleFound:
    """`issue_type` is what was asked; `found_as` the kind that the first cause belongs to, None when there is none.

    `unreached` is told where no cause explains it.
    """

    order: TroubleOrder
    diagnosis: Diagnosis
    limits: tuple[LimitState, ...]
    limits_decided: Mapping[str, Json]
    found_as: IssueType | None
    unreached: tuple[Trouble, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        """The shape of the specification, with the whole diagnosis beside it."""
        return {
            "issue_type": self.order.issue_type,
            "tenant_id": self.order.tenant_id,
            "found_as": self.found_as,
            "rate_limiting_analysis": by_operation(self.limits),
            "rate_limiting_decisions": dict(self.limits_decided),
            "diagnostics": [
                *(_diagnostic(one) for one in self.diagnosis.hypotheses),
                *(one.to_dict() for one in self.unreached if not self.diagnosis.hypotheses),
            ],
            "recommendations": [_recommendation(index, one) for index, one in enumerate(self.diagnosis.actions)],
            **self.diagnosis.to_dict(),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Troubleshoot:
    """Takes at most 8 s. Raises `InvalidTimeWindow`, `InvalidTenantName` and `TenantNotYours`."""

    observer: Observer
    deployment: Deployment
    rights: Rights
    clock: Clock
    history: History | None = None
    limit_states: LimitStates | None = None

    async def __call__(self, caller: Caller, order: TroubleOrder) -> TroubleFound:
        seconds = window_seconds(order.time_window_minutes)
        names = self.rights.names(caller, order.tenant_id)
        looked, limits = await asyncio.gather(
            self.observer.observe(window_seconds=seconds), read_limits(self.limit_states, order.tenant_id)
        )
        ends = (self._end(looked, LATEST_SECONDS), self._end(looked, CLOSER_SECONDS))
        # Weighing takes a while on a busy machine, and whoever serves beside it is not to wait.
        return await asyncio.to_thread(self._weigh, order, names, (looked, *ends), limits)

    def _weigh(
        self, order: TroubleOrder, names: Names, looked: Sequence[Window | None], limits: tuple[LimitState, ...] | BlindSpot
    ) -> TroubleFound:
        """`looked`: the whole window, its end, and the end of that, as far as they are different ones."""
        whole, latest, closer = (one and one.shown_to(names) for one in looked)
        windows = [one for one in (latest, whole) if one is not None]
        causes = find_causes(*windows)
        if closer is not None and not causes.standing and any(departures(one) for one in windows):
            windows = [closer, *windows]
            causes = find_causes(*windows)
        standing = asked_first(causes.standing, order.issue_type)
        return TroubleFound(
            order=order,
            diagnosis=self._diagnosis(windows, causes, standing, (limits,) if isinstance(limits, BlindSpot) else ()),
            limits=() if isinstance(limits, BlindSpot) else limits,
            limits_decided=decided(windows[-1], order.tenant_id),
            found_as=_MET_AS.get(standing[0].cause) if standing else None,
            unreached=unreached(windows[-1], self.deployment),
        )

    def _end(self, window: Window, seconds: float) -> Window | None:
        """The end of the window by itself, when there is more of it."""
        if self.history is None or window.first is None or window.seconds < 2 * seconds:
            return None
        first = self.history.before(window.last.at - timedelta(seconds=seconds))
        if first is None or first.at <= window.first.at:
            return None
        return replace(window, first=first, healthy=self.history.healthy(until=first.at))

    def _diagnosis(
        self,
        windows: Sequence[Window],
        causes: Causes,
        standing: Sequence[Hypothesis],
        more_blind: tuple[BlindSpot, ...],
    ) -> Diagnosis:
        window = windows[-1]
        actions: list[Action] = []
        for one in standing[:3]:
            actions.extend(remedies(one, window, self.deployment))
        found = next((found for one in windows if (found := departures(one))), ())
        verdict = _verdict(window, standing, self.deployment, departed=bool(found))
        since = None if self.history is None else self.history.otherwise_since()
        if since is not None and verdict == "healthy" and window.last.at - since < LASTING:
            since = None  # it is over
        return Diagnosis(
            verdict=verdict,
            confidence=standing[0].confidence if standing else _certainty(causes, window, verdict, departed=bool(found)),
            hypotheses=tuple(standing),
            ruled_out=causes.ruled_out,
            actions=tuple(actions),
            blind_spots=(*not_configured(self.deployment), *window.blind_spots, *unfollowed(standing, window), *more_blind),
            read_at=self.clock.now(),
            window_seconds=window.seconds,
            summary=_summary(verdict, standing, told_by(found, window), since),
            departures=tuple(evidence for one in found for evidence in one.evidence),
            otherwise_since=since,
        )


def asked_first(standing: Sequence[Hypothesis], issue: IssueType) -> tuple[Hypothesis, ...]:
    """Those asked about before the others, each in causal order; `auto` asks about all."""
    wanted = ASKED.get(issue)
    if wanted is None:
        return tuple(standing)
    return tuple(sorted(standing, key=lambda one: one.cause not in wanted))


def judged(window: Window) -> Judged:
    """Whether a look may be kept as healthy: somebody was read, no cause stands, and nothing plainly departs from the usual."""
    if not window.last.sources or find_causes(window).standing:
        return "unwell"
    return "otherwise" if departures(window) else "well"


def _verdict(window: Window, standing: Sequence[Hypothesis], deployment: Deployment, *, departed: bool) -> Verdict:
    if not window.last.sources:
        return "could_not_tell"
    away = [part for part in ("gateway", "engine", "redis") if any(one.value == 0 for one in window.series(f"{part}.up"))]
    if not standing and not away and not departed:
        return "healthy" if read_enough(window, deployment) else "could_not_tell"
    return "unhealthy" if {"gateway", "redis"} & set(away) else "degraded"


def _summary(verdict: Verdict, standing: Sequence[Hypothesis], departed: str, since: datetime | None) -> str:
    """The verdict in words; what is otherwise is told where no cause explains it."""
    if standing:
        said = f"{standing[0].title}."
    elif departed:
        said = departed
    else:
        said = _SUMMARIES[verdict]
    return said if since is None else f"{said} Since {since:%H:%M} UTC figures are otherwise than before."


def _certainty(causes: Causes, window: Window, verdict: Verdict, *, departed: bool) -> float:
    """Without a cause that stands: of a part that does not answer nothing is in doubt; else the share of the causes ruled out."""
    if not window.last.sources:
        return 0.0
    if departed:
        return DEPARTED
    if verdict in {"degraded", "unhealthy"}:
        return SEEN
    weighed = len(causes.standing) + len(causes.ruled_out)
    return SEEN * weighed / max(weighed, len(_MET_AS))


def _diagnostic(one: Hypothesis) -> Json:
    return {"severity": one.severity, "message": one.title, "impact": one.why, "cause": one.cause, "component": one.component}


def _recommendation(index: int, one: Action) -> Json:
    return {"action": told(one), "priority": _PRIORITIES[min(index, 2)], "command": one.command, **_typed(one)}


def _typed(one: Action) -> dict[str, Json]:
    """The remedy's own fields; the sentence keeps the name `action`."""
    return {name: value for name, value in one.to_dict().items() if name != "command"}
