"""Who does not answer at all, which needs no comparison, and who was never named."""

from dataclasses import dataclass

from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.ports import Deployment
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import BlindSpot, Evidence

# The names health pages give to what lies in Redis.
_ON_REDIS = frozenset({"store", "cache", "redis"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """One thing that is wrong. `severity` as in the specification: low, medium, high, critical."""

    severity: str
    component: str
    message: str
    impact: str
    evidence: tuple[Evidence, ...] = ()
    cause: str = ""

    def to_dict(self) -> dict[str, Json]:
        return {
            "severity": self.severity,
            "component": self.component,
            "message": self.message,
            "impact": self.impact,
            "cause": self.cause or None,
            "evidence": [one.to_dict() for one in self.evidence],
        }


def unreached(window: Window, deployment: Deployment) -> tuple[Trouble, ...]:
    """Gateway, engine and Redis, in this order, as far as they were asked and did not answer as they should."""
    found = []
    for part, name, severity, impact in (
        ("gateway", "gateway", "critical", "Nobody is served."),
        ("engine", "AI engine", "high", "Whatever needs the engine fails."),
        ("redis", "Redis", "high", "Limits, shared cache and circuits go by what each does without it."),
    ):
        for one in window.series(f"{part}.up"):
            outcome = window.text(f"{part}.probe_outcome", **dict(one.labels)) or ""
            if one.value == 0:
                where = one.label("replica") or {"engine": deployment.engine_url, "redis": deployment.shown_redis}.get(part, "")
                message = f"The {name} at {where} {_SENTENCES.get(outcome, 'does not answer as it should')}."
                evidence = window.evidences(f"{part}.probe_outcome", f"{part}.probe_ms", of="figure", **dict(one.labels))
                found.append(Trouble(severity=severity, component=part, message=message, impact=impact, evidence=evidence))
    return tuple(found)


def not_configured(deployment: Deployment) -> tuple[BlindSpot, ...]:
    """What has no address."""
    named = (
        (deployment.gateway_url, "gateway", "BACKEND_ORCHESTRATOR_URL"),
        (deployment.engine_url, "AI engine", "AI_ENGINE_URL"),
        (deployment.shown_redis, "Redis", "REDIS_URL"),
    )
    return tuple(
        BlindSpot(what=what, why="No address is configured.", hint=f"Set {name}.") for url, what, name in named if not url
    )


def read_enough(window: Window, deployment: Deployment) -> bool:
    """Whether so much was read, twice, that "nothing wrong was seen" means that all is well: figures of what is configured."""
    if window.first is None or not (deployment.gateway_url or deployment.shown_redis):
        return False
    own = not deployment.gateway_url or window.knows("gateway.responses_total") or window.knows("gateway.loop_lag_ms")
    return own and (not deployment.shown_redis or window.knows("redis.used_memory_bytes"))


_SENTENCES = {
    "dns": "has a name that cannot be resolved",
    "refused": "refuses the connection: nobody listens there",
    "unreachable": "cannot be reached",
    "timeout": "takes the connection and does not answer in time",
    "busy": "runs a script that does not end, and answers nothing else",
    "unauthorized": "refuses the login it is given",
    "no_database": "has no database of that number",
    "cut_off": "closes the connection before its answer is whole",
    "tls": "offers no connection that can be trusted",
    "wrong_host": "is another service: it has no health page of ours",
    "http_error": "answers with an error",
    "not_ready": "says itself that it is not well",
    "garbage": "answers with something that cannot be read",
    "too_large": "answers with more than is read",
}


def unwell_parts(window: Window) -> tuple[Trouble, ...]:
    """What the gateway itself says is not well. Its store is not told twice when nobody reaches it."""
    found = []
    for one in window.series("gateway.part_healthy"):
        part = one.label("part")
        if one.value != 0 or (part in _ON_REDIS and window.value("redis.up") == 0):
            continue
        said = window.text("gateway.part_status", **dict(one.labels)) or "unhealthy"
        found.append(
            Trouble(
                severity="medium",
                component=part,
                message=f"The gateway says of its part {part}: {said}.",
                impact="What needs that part fails or goes without it.",
                evidence=window.evidences("gateway.part_healthy", of="figure", **dict(one.labels)),
            )
        )
    return tuple(found)
