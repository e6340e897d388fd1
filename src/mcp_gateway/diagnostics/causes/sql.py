"""The database: one kind of query that takes far longer than it did."""

from mcp_gateway.diagnostics.causes.case import Case, sign
from mcp_gateway.diagnostics.causes.comparing import machine_slowdown, slowdown, slower
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Hypothesis

P50 = "sql.query_p50_ms"
# A lost index makes a query slower by the size of its table; a busy machine makes all of them slower alike.
FACTOR = 4.0


def slow_query(window: Window) -> Hypothesis:
    """One statement is many times slower than it was, beyond what everything else is."""
    ratios = {one: slowdown(window, P50, statement=one) for one in window.labels("sql.query_ms", "statement")}
    statement = max(ratios, key=lambda one: (ratios[one], one), default="")
    case = Case(
        window, "slow_sql", f"statement {statement}" if statement else "database", "A query takes many times longer than it did"
    )
    case.must(
        slower(window, P50, factor=FACTOR, statement=statement) if statement else None,
        sign(P50, statement=statement),
        but="Queries take about as long as usual.",
    )
    case.must(
        ratios[statement] > 2 * machine_slowdown(window) if statement else None,
        sign("gateway.loop_lag_p50_ms"),
        but="Everything is slower alike.",
    )
    others = [ratio for one, ratio in ratios.items() if one != statement]
    case.may(
        ratios[statement] > 3 * min(others) if others else None, *(sign(P50, statement=one) for one in ratios if one != statement)
    )
    return case.concluded(
        "One statement is many times slower than when all was well, and the rest of the gateway is not: look for its index."
    )
