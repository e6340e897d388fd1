"""What limiters keep of one tenant, and what they decided: both read, nothing judged."""

import asyncio
from collections.abc import Mapping

from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.diagnostics.observing import SOURCE_SECONDS
from mcp_gateway.diagnostics.ports import LimitState, LimitStates
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import BlindSpot

MOST_RULES = 50
_WHAT = "what the limiter keeps of the tenant"


async def read_limits(states: LimitStates | None, tenant: str | None) -> "tuple[LimitState, ...] | BlindSpot":
    """Of that tenant; of nobody where none is named. Takes at most `SOURCE_SECONDS`."""
    if states is None or tenant is None:
        return ()
    try:
        async with asyncio.timeout(SOURCE_SECONDS):
            return await states.of(tenant)
    except TimeoutError:
        return BlindSpot(what=_WHAT, why=f"It was not read within {SOURCE_SECONDS:g} s.")
    except GatewayError as error:
        return BlindSpot(what=_WHAT, why=error.message, hint=error.hint)


def by_operation(states: tuple[LimitState, ...]) -> dict[str, Json]:
    """In the shape of the specification."""
    return {one.operation: {"current_count": one.count, "ttl_seconds": one.ttl_seconds} for one in states}


def decided(window: Window, tenant: str | None) -> dict[str, Json]:
    """Decisions and refusals in the window; a figure nobody has is None."""
    labels: Mapping[str, str] = {} if tenant is None else {"tenant": tenant}
    rules = window.by("gateway.limit_refusals_total", "rule", of="change", **labels)
    return {
        "decisions_per_second": window.rate("gateway.limit_decisions_total", **labels),
        "refused_per_second": window.rate("gateway.limit_decisions_total", outcome="refused", **labels),
        "refused_share": window.value("gateway.refused_share", **labels),
        "usual_refused_share": window.baseline("gateway.refused_share", of="figure", **labels),
        "refused_by_rule": dict(list(rules.items())[:MOST_RULES]),
    }
