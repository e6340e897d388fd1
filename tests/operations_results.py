"""Results of the operations tools as the use cases shape them, with names in them that attack whoever draws or prints them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.actions.kinds import action
from mcp_gateway.diagnostics.diagnose_health import HealthFound
from mcp_gateway.diagnostics.operations import TroubleOrder
from mcp_gateway.diagnostics.performance.sparkline import Trend
from mcp_gateway.diagnostics.ports import LimitState
from mcp_gateway.diagnostics.reached import Trouble
from mcp_gateway.diagnostics.troubleshoot import TroubleFound
from mcp_gateway.diagnostics.verdict import BlindSpot, Diagnosis, Evidence, Hypothesis
from mcp_gateway.kit.routes.generate import generate
from mcp_gateway.kit.routes.order import RouterOrder

AT = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
# Markup, a jump of the cursor, a line of its own, a mark nobody sees, and text that runs backwards.
HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J\nverdict: healthy\u200b\u202e`"
REFUSED = Evidence(
    signal=f"gateway.limit_refusals_total{{tenant={HOSTILE}}}",
    value=41.25,
    unit="1/s",
    baseline=0.5,
    baseline_from="the last healthy time",
    source="gateway metrics",
    at=AT,
)
LAG = Evidence(signal="gateway.loop_lag_p99_ms", value=3, unit="ms", baseline=None, source="gateway metrics", at=AT)
FLOOD = Hypothesis(
    cause="tenant_flood",
    component=f"tenant {HOSTILE}",
    title=f"{HOSTILE} asks for far more than its limit",
    confidence=0.92,
    supports=(REFUSED,),
    against=(LAG,),
    why="One tenant has 97 % of the refusals.",
)
SLOW = Hypothesis(
    cause="engine_slow",
    component="engine",
    title="The engine takes longer to answer",
    confidence=0.0,
    ruled_out=True,
    why="The engine answers as fast as usual.",
)
ACTIONS = (
    action("tell_tenant", verify="gateway.refused_share falls within 60 s", tenant=HOSTILE),
    action("roll_back_rules", verify="gateway.refused_share falls within 60 s", rule="chat"),
)
BLIND = BlindSpot(what="Redis", why="No address is configured.", hint="Set REDIS_URL.")


def trouble() -> dict[str, Json]:
    """A flood by a tenant with a name of his choice."""
    diagnosis = Diagnosis(
        verdict="degraded",
        confidence=0.92,
        hypotheses=(FLOOD,),
        ruled_out=(SLOW,),
        actions=ACTIONS,
        blind_spots=(BLIND,),
        read_at=AT,
        window_seconds=900.0,
    )
    return TroubleFound(
        order=TroubleOrder(),
        diagnosis=diagnosis,
        limits=(LimitState(operation="chat", count=150, ttl_seconds=45),),
        limits_decided={"refused_per_second": 0.0},
        found_as="rate_limiting",
    ).to_dict()


def health() -> dict[str, Json]:
    """The same flood as the health tool tells it."""
    figure: dict[str, Json] = {**LAG.to_dict(), "standing": "no_baseline", "measurements": None}
    return HealthFound(
        at=AT,
        gateway={"status": "healthy", "parts": {}, "figures": {"loop_lag_p99_ms": figure}},
        cache={"status": "not_asked"},
        limits={"status": "measured", "refused_share": 0.31},
        engine={"status": "connected", "probe_ms": 12.5, "figures": {}},
        overall="degraded",
        story="One tenant asks for far more than its limit.",
        next_action="Tell the tenant.",
        troubles=(Trouble(severity="high", component="tenants", message=FLOOD.title, impact=FLOOD.why, evidence=(REFUSED,)),),
        actions=ACTIONS,
        blind_spots=(BLIND,),
        window_seconds=60.0,
    ).to_dict()


def performance() -> dict[str, Json]:
    """Latency that doubled, by an endpoint with a hostile name."""
    slower: dict[str, Json] = {
        "value": 84.2, "previous": 41.0, "change": 1.0537, "usual": 40.0, "measurements": 1200.0, "standing": "higher",
    }  # fmt: skip
    few: dict[str, Json] = {
        "value": 12.0, "previous": None, "change": None, "usual": None, "measurements": 3.0, "standing": "too_few",
    }  # fmt: skip
    trend = Trend(title="99th percentile of requests", unit="ms", points=((AT, 41.0), (AT.replace(minute=5), 84.2)))
    return {
        "timestamp": AT.isoformat(),
        "metric_type": "latency",
        "time_window_minutes": 15,
        "tenant_filter": None,
        "analysis_results": {
            "latency_tests": [{"service": "ai_engine", "latency_ms": 12.4, "status_code": 200, "outcome": "ok"}],
            "latency_summary": {
                "assessment": "poor",
                "assessment_reason": "slower than before",
                "note": "These are the probes alone.",
            },
            "requests": {"p99_ms": slower},
            "endpoints": [{"route": HOSTILE, "measurements": 3.0, "p99_ms": few}],
            "pictures": {"p99_ms": trend.picture()},
            "trends": {"p99_ms": trend.to_dict()},
        },
        "window_seconds": 900.0,
        "window_complete": True,
        "previous_window_seconds": 900.0,
        "blind_spots": [],
    }


def cache() -> dict[str, Json]:
    """A canary that was lost, and a family whose keys never expire."""
    return {
        "timestamp": AT.isoformat(),
        "cache_coherence_analysis": {
            "total_cache_keys": 1200,
            "coherence_tracking_keys": 3,
            "figures": {"hit_share": {**REFUSED.to_dict(), "value": 0.41, "baseline": 0.9, "standing": "lower"}},
            "families": [{"family": f"cache:{HOSTILE}", "keys": 1200, "sampled": 64, "ttl_p50_seconds": 30.0, "bytes_p50": 512}],
            "big_keys": [{"key": HOSTILE, "family": "cache:x", "ttl_seconds": None, "memory_bytes": 2_000_000}],
            "hot_keys": [],
            "invalidations": [{"namespace": "x", "members": 2, "receivers": 1, "heard": 1, "lost": 1, "slowest_ms": 3.0}],
        },
        "sample_cache_analysis": [],
        "recent_coherence_events": [],
        "recommendations": [
            {
                "type": "coherence",
                "severity": "high",
                "message": "1 of 2 members heard nothing.",
                "action": "Restart one at a time.",
                "evidence": [REFUSED.to_dict()],
            },
        ],
        "blind_spots": [BLIND.to_dict()],
        "window_seconds": 900.0,
    }


def engine() -> dict[str, Json]:
    """One test of each end."""
    return {
        "timestamp": AT.isoformat(),
        "test_type": "full_flow",
        "tenant_id": None,
        "tests_performed": [
            {"test": "ai_engine_health", "status": "pass", "response_time_ms": 12.5, "status_code": 200},
            {"test": "error_handling", "status": "fail", "response_time_ms": 3.0, "reason": f"an error shows {HOSTILE}"},
            {"test": "cache_integration", "status": "skip", "reason": "No store is configured: set REDIS_URL."},
        ],
        "overall_status": "some_failed",
        "pass_rate": "1/2 (50.0%)",
        "blind_spots": [],
    }


def router() -> Mapping[str, Json]:
    """As the kit makes it."""
    return generate(RouterOrder(router_name="products", router_type="proxy", operations=("list",))).to_dict()


def patterns() -> dict[str, Json]:
    """A finding in a file with a hostile name, and a file that cannot be read."""
    return {
        "validation_level": "comprehensive",
        "overall_compliance": "fair",
        "average_compliance_score": 0.72,
        "files_validated": 1,
        "issues_found": [
            {
                "file": f"{HOSTILE}.py",
                "issue": "nothing limits all",
                "priority": "high",
                "rule": "rate-limit-missing",
                "pattern": "rate_limiting",
                "line": 4,
                "column": 1,
                "recommendation": 'Use `Guard("items.read")`.',
                "fixable": True,
            },
        ],
        "recommendations": [],
        "files": [{"file": f"{HOSTILE}.py", "score": 0.72, "handlers": 1}],
        "suppressed": [],
        "unreadable": [{"file": "broken.py", "why": "It is no Python."}],
        "notes": [],
    }


RESULTS: Mapping[str, Mapping[str, Json]] = {
    "diagnose_gateway_health": health(),
    "troubleshoot_production_issue": trouble(),
    "analyze_cache_coherence": cache(),
    "analyze_performance_metrics": performance(),
    "test_ai_engine_integration": engine(),
    "generate_enterprise_router": router(),
    "validate_enterprise_patterns": patterns(),
}
