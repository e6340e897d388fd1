"""`diagnose_gateway_health`: every part at once, joined into one story with evidence and a next step.

It changes nothing. What is wrong is decided by the causes, against the system's own baseline; this page adds who could not be
reached at all, which needs no comparison.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.actions.kinds import told
from mcp_gateway.diagnostics.asking import Rights
from mcp_gateway.diagnostics.causes.process import unfollowed
from mcp_gateway.diagnostics.departures import Departure, departures
from mcp_gateway.diagnostics.figures import facts, number
from mcp_gateway.diagnostics.observing import Observer
from mcp_gateway.diagnostics.operations import HealthOrder
from mcp_gateway.diagnostics.ports import Deployment
from mcp_gateway.diagnostics.reached import Trouble, not_configured, read_enough, unreached, unwell_parts
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Action, BlindSpot, Hypothesis, Verdict

# The window a health check looks back, where snapshots were kept.
WINDOW_SECONDS = 60.0
NOT_ASKED: Mapping[str, Json] = {"status": "not_asked"}

# Causes that stand, in their order, and remedies for one of them.
FindCauses: TypeAlias = Callable[[Window], Sequence[Hypothesis]]
FindRemedies: TypeAlias = Callable[[Hypothesis, Window], Sequence[Action]]


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthFound:
    """Sections are facts by name; each has `status`. `story` is what a person should read first."""

    at: datetime
    gateway: Mapping[str, Json]
    cache: Mapping[str, Json]
    limits: Mapping[str, Json]
    engine: Mapping[str, Json]
    overall: Verdict
    story: str
    next_action: str
    troubles: tuple[Trouble, ...] = ()
    actions: tuple[Action, ...] = ()
    blind_spots: tuple[BlindSpot, ...] = ()
    window_seconds: float = 0.0

    def to_dict(self) -> dict[str, Json]:
        """The shape of the specification, with more beside it."""
        return {
            "timestamp": self.at.isoformat(),
            "backend_orchestrator_health": dict(self.gateway),
            "cache_metrics": dict(self.cache),
            "rate_limiting": dict(self.limits),
            "ai_engine_connectivity": dict(self.engine),
            "overall_status": self.overall,
            "story": self.story,
            "next_action": self.next_action,
            "diagnostics": [one.to_dict() for one in self.troubles],
            "actions": [{"action": told(one), **one.to_dict()} for one in self.actions],
            "blind_spots": [one.to_dict() for one in self.blind_spots],
            "window_seconds": round(self.window_seconds, 1),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class DiagnoseHealth:
    """Takes at most 8 s. Raises `InvalidTenantName` and `TenantNotYours`."""

    observer: Observer
    deployment: Deployment
    rights: Rights
    clock: Clock
    find_causes: FindCauses
    find_remedies: FindRemedies = field(default=lambda _, __: ())

    async def __call__(self, caller: Caller, order: HealthOrder) -> HealthFound:
        names = self.rights.names(caller, order.tenant_id)
        looked = await self.observer.observe(window_seconds=WINDOW_SECONDS)
        # Weighing takes a while on a busy machine, and whoever serves beside it is not to wait.
        return await asyncio.to_thread(self._weigh, order, looked.shown_to(names))

    def _weigh(self, order: HealthOrder, window: Window) -> HealthFound:
        causes = tuple(self.find_causes(window))
        unwell = (*unreached(window, self.deployment), *(_trouble(one) for one in causes), *unwell_parts(window))
        troubles = unwell or tuple(_departed(one) for one in departures(window))
        overall = _overall(window, self.deployment, troubles)
        actions = tuple(self.find_remedies(causes[0], window)) if causes else ()
        return HealthFound(
            at=self.clock.now(),
            gateway=_gateway(window, self.deployment),
            cache=_cache(window, self.deployment) if order.include_cache_metrics else NOT_ASKED,
            limits=_limits(window, order.tenant_id) if order.include_rate_limiting else NOT_ASKED,
            engine=_engine(window, self.deployment),
            overall=overall,
            story=_story(overall, troubles, window),
            next_action=_next(overall, troubles, actions, window, self.deployment),
            troubles=troubles,
            actions=actions,
            blind_spots=(*not_configured(self.deployment), *window.blind_spots, *unfollowed(causes, window)),
            window_seconds=window.seconds,
        )


def _gateway(window: Window, deployment: Deployment) -> dict[str, Json]:
    if not deployment.gateway_url:
        return {"status": "not_configured"}
    replicas: list[Json] = [
        {
            "replica": name,
            "status": _word(window, "gateway", replica=name),
            "probe_ms": number(window, "gateway.probe_ms", 2, replica=name),
            "clock_skew_seconds": number(window, "gateway.clock_skew_seconds", 2, replica=name),
        }
        for name in window.labels("gateway.up", "replica")
    ]
    parts: dict[str, Json] = {
        one.label("part"): str(one.value) for one in window.series("gateway.part_status") if isinstance(one.value, str)
    }
    return {
        "status": _word(window, "gateway"),
        "replicas": replicas,
        "parts": parts,
        "figures": facts(
            window,
            {
                "requests_per_second": "gateway.responses_total",
                "request_p99_ms": "gateway.request_p99_ms",
                "loop_lag_p99_ms": "gateway.loop_lag_p99_ms",
                "in_flight": "gateway.in_flight",
                "rss_bytes": "gateway.rss_bytes",
                "open_fds": "gateway.open_fds",
            },
        ),
    }


def _cache(window: Window, deployment: Deployment) -> dict[str, Json]:
    if not deployment.shown_redis and not window.knows("gateway.cache_reads_total"):
        return {"status": "not_configured"}
    hits = number(window, "gateway.cache_hit_share")
    return {
        "status": _word(window, "redis") if deployment.shown_redis else "in_process",
        "hit_rate": hits if hits is not None else number(window, "redis.hit_share"),
        "hit_rate_of": "the gateway's caches" if hits is not None else "all reads of Redis",
        "total_keys": number(window, "redis.keys", 0),
        "keys_without_ttl": number(window, "redis.keys_without_ttl", 0),
        "figures": facts(
            window,
            {
                "used_memory_bytes": "redis.used_memory_bytes",
                "maxmemory_bytes": "redis.maxmemory_bytes",
                "evicted_per_second": "redis.evicted_keys_total",
                "expired_per_second": "redis.expired_keys_total",
                "hit_share": "gateway.cache_hit_share",
                "redis_hit_share": "redis.hit_share",
                "clients": "redis.clients",
            },
        ),
    }


def _limits(window: Window, tenant: str | None) -> dict[str, Json]:
    known = window.knows("gateway.limit_decisions_total") or window.knows("redis.prefix_keys", prefix="rate_limit")
    labels = {} if tenant is None else {"tenant": tenant}
    refused: dict[str, Json] = dict(list(window.by("gateway.limit_refusals_total", "rule", of="rate", **labels).items())[:20])
    found: dict[str, Json] = {
        "status": "measured" if known else "unknown",
        "total_active_limits": number(window, "redis.prefix_keys", 0, prefix="rate_limit"),
        "refused_share": number(window, "gateway.refused_share"),
        "refusals_per_second_by_rule": refused,
        "figures": facts(
            window, {"decisions_per_second": "gateway.limit_decisions_total", "refused_share": "gateway.refused_share"}, **labels
        ),
    }
    if tenant is not None:
        found["tenant_id"] = tenant
    return found


def _engine(window: Window, deployment: Deployment) -> dict[str, Json]:
    if not deployment.engine_url:
        return {"status": "not_configured"}
    outcome = window.text("engine.probe_outcome")
    return {
        "status": "connected" if window.value("engine.up") == 1 else _word(window, "engine"),
        "probe_outcome": outcome,
        "probe_ms": number(window, "engine.probe_ms", 2),
        "http_status": number(window, "engine.status", 0),
        "figures": facts(
            window,
            {
                "request_p99_ms": "engine.request_p99_ms",
                "in_flight": "engine.in_flight",
                "as_the_gateway_sees_it_p50_ms": "upstream.call_p50_ms",
                "as_the_gateway_sees_it_p99_ms": "upstream.call_p99_ms",
            },
        ),
    }


def _word(window: Window, part: str, **labels: str) -> str:
    """healthy, what its own page says, or why it was not reached."""
    outcomes = {one.value for one in window.series(f"{part}.probe_outcome", **labels) if isinstance(one.value, str)}
    bad = sorted(outcomes - {"ok"})
    if bad:
        return _STATUSES.get(bad[0], bad[0])
    if not outcomes:
        return "unknown"
    return next((str(one.value) for one in window.series(f"{part}.health_word", **labels)), "healthy")


def _trouble(one: Hypothesis) -> Trouble:
    return Trouble(
        severity=one.severity,
        component=one.component,
        message=one.title,
        impact=one.why,
        evidence=one.supports,
        cause=one.cause,
    )


def _departed(one: Departure) -> Trouble:
    return Trouble(
        severity="medium",
        component=one.part,
        message=f"{one.says[0].upper()}{one.says[1:]}.",
        impact=_DEPARTED[one.part],
        evidence=one.evidence,
    )


def _overall(window: Window, deployment: Deployment, troubles: Sequence[Trouble]) -> Verdict:
    looked_at = [part for part in ("gateway", "engine", "redis") if window.series(f"{part}.up")]
    if not looked_at and not window.last.sources:
        return "could_not_tell"
    if any(one.severity == "critical" for one in troubles):
        return "unhealthy"
    if not any(window.value(f"{part}.up") for part in looked_at) and looked_at:
        return "unhealthy"
    if troubles:
        return "degraded"
    return "healthy" if read_enough(window, deployment) else "could_not_tell"


def _story(overall: Verdict, troubles: Sequence[Trouble], window: Window) -> str:
    if overall == "could_not_tell":
        if not window.last.sources:
            return "Nothing could be read, so nothing can be said."
        return "Nothing wrong was seen, but too little could be read to call it well."
    if not troubles:
        unread = len(window.blind_spots)
        return f"Everything that was read is as usual{f'; {unread} things could not be read' if unread else ''}."
    first, *others = troubles
    story = f"{first.message.rstrip('.')}: {first.impact}"
    if others:
        story += f" Beside it, or because of it: {'; '.join(one.message.rstrip('.') for one in others[:3])}."
    return story


def _next(
    overall: Verdict, troubles: Sequence[Trouble], actions: Sequence[Action], window: Window, deployment: Deployment
) -> str:
    """The first remedy; else what to look at for the first trouble; else, where too little was read, how to read more."""
    if actions:
        return f"{told(actions[0])} {actions[0].dry_run} Then watch {actions[0].verify}."
    spots = (*window.blind_spots, *not_configured(deployment))
    if troubles:
        part = troubles[0].component
        hints = [spot.hint for spot in spots if spot.hint and spot.what.startswith(("health of", "redis")) and part in spot.what]
        return hints[0] if hints else _LOOK_AT
    hints = [spot.hint for spot in spots if spot.hint]
    return (hints[0] if hints else _LOOK_AT) if overall == "could_not_tell" else "Nothing to do."


_LOOK_AT = "Ask troubleshoot_production_issue with issue_type auto for causes and remedies."
_DEPARTED = {
    "gateway": "It is otherwise than usual, and the cause was not found.",
    "machine": "Whatever runs there comes late.",
}
_STATUSES = {
    "refused": "unreachable",
    "dns": "unreachable",
    "timeout": "not_answering",
    "not_ready": "unhealthy",
    "ok": "healthy",
}
