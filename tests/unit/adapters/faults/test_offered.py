"""What is offered can be injected, and is what a diagnosis knows."""

from mcp_gateway.adapters.faults.in_line import IN_LINE
from mcp_gateway.adapters.faults.in_redis import IN_REDIS
from mcp_gateway.adapters.faults.offered import OFFERED
from mcp_gateway.diagnostics.verdict import CAUSES


def test_every_cause_has_its_fault_under_the_same_code() -> None:
    assert {one.cause: one.code.removesuffix("b") for one in OFFERED} == dict(CAUSES)


def test_what_a_fault_needs_can_inject_it() -> None:
    assert {one.code for one in OFFERED if one.needs == "redis"} == set(IN_REDIS)
    assert {one.code for one in OFFERED if one.needs == "line"} == set(IN_LINE)
