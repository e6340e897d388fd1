"""The database: one kind of query that takes far longer than it did."""

from mcp_gateway.diagnostics.causes.case import Case, sign
from mcp_gateway.diagnostics.causes.comparing import both, not_by_chance, times_as_long
from mcp_gateway.diagnostics.causes.machine import machine_slowdown
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Hypothesis

TIMES, P50 = "sql.query_ms", "sql.query_p50_ms"
# A lost index makes a query slower by the size of its table; a busy machine makes all of them slower alike.
FACTOR = 4.0


def slow_query(window: Window) -> Hypothesis:
    """One statement is many times slower than it was, beyond what everything else is; a rare one is told from few queries."""
    statements = window.labels(TIMES, "statement")
    ratios = {one: ratio for one in statements if (ratio := times_as_long(window, P50, statement=one)) is not None}
    shown = {one: bool(not_by_chance(window, TIMES, statement=one, tried=len(ratios))) for one in ratios}
    statement = max(ratios, key=lambda one: (shown[one], ratios[one], one), default="")
    others = {one: ratio for one, ratio in ratios.items() if one != statement}
    case = Case(
        window, "slow_sql", f"statement {statement}" if statement else "database", "A query takes many times longer than it did"
    )
    case.must(
        both(shown[statement], ratios[statement] > FACTOR) if statement else None,
        sign(P50, statement=statement),
        but="Queries take about as long as usual.",
    )
    alike = machine_slowdown(window)
    if statement and window.baseline(P50, statement=statement) is None:
        # Of few queries the machine may have held up just these: then the other statements must be much as usual.
        alike = max(alike, min(others.values(), default=1.0))
    case.must(
        ratios[statement] > 2 * alike if statement else None,
        sign("gateway.loop_lag_p50_ms"),
        but="Everything is slower alike.",
    )
    case.may(ratios[statement] > 3 * min(others.values()) if others else None, *(sign(P50, statement=one) for one in others))
    return case.concluded(
        "One statement is many times slower than when all was well, and the rest of the gateway is not: look for its index."
    )
