"""Every operation is held to a rate limit."""

from collections.abc import Iterator

from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.rules.publicity import is_public
from mcp_gateway.kit.patterns.study import Hit, Rule, Study

MISSING = RuleCard(
    name="rate-limit-missing",
    pattern="rate_limiting",
    level="basic",
    severity=Severity.HIGH,
    title="Missing EnterpriseRateLimiter",
    reason="One caller can take all there is: a route nobody limits is the way round every limit on the others.",
    remedy=(
        'Hold the operation to its limits: `call: Annotated[Call, Depends(Guard("items.read"))]` on a GuardedRoute, '
        "or await `EnterpriseRateLimiter.check_or_raise` in a dependency of the router."
    ),
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, caller: CurrentCaller) -> Item: ...
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item: ...
""",
)


def _missing(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if is_public(route, study) or all(study.world.limits.hold(route, chain) for chain in study.chains(route)):
            continue
        partly = any(study.world.limits.hold(route, chain) for chain in study.chains(route))
        where = "on one of the ways it is mounted " if partly else ""
        yield Hit(
            node=route.place,
            route=route,
            message=f"Missing EnterpriseRateLimiter: nothing that can refuse limits {route.name} {where}".rstrip(),
        )


RULES = (Rule(card=MISSING, check=_missing),)
