"""The gateway's own routers hold to the patterns it checks in others."""

from pathlib import Path
from typing import Final

from mcp_gateway.kit.patterns.model import Order
from mcp_gateway.kit.patterns.validate import validate

ROOT: Final = Path(__file__).parents[2]


def test_our_own_routers_have_no_finding_at_production_ready() -> None:
    report = validate(Order(root=ROOT, paths=(ROOT / "src",), level="production_ready"))
    assert [(one.rule, Path(one.file).name, one.subject) for one in report.findings] == []
    assert len(report.files) >= 15
    assert report.unreadable == ()
