"""Remedies are typed: nothing dangerous is among them, and no name from outside gets into a command."""

import pytest

from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.diagnostics.actions.kinds import KINDS, action, told

DANGEROUS = ("flush", "keys *", "monitor", "config set", "shutdown", "del ", "debug", "xargs")


@pytest.mark.parametrize("tenant", ["x'; flushall", "a b", "$(reboot)", "`id`", "a|b", "*", "a\nb", "a;b", '"', ""])
def test_an_unusual_name_is_not_written_into_a_command(tenant: str) -> None:
    one = action("tell_tenant", verify="refusals fall", tenant=tenant)
    assert one.command == "mcp-gateway ops apply tell_tenant 'tenant=<tenant>'"


def test_an_ordinary_name_is() -> None:
    assert action("tell_tenant", verify="", tenant="acme-1").command == "mcp-gateway ops apply tell_tenant tenant=acme-1"
    assert "acme-1" in told(action("tell_tenant", verify="", tenant="acme-1"))


@pytest.mark.parametrize("target", [{}, {"tenant": "a", "more": "b"}, {"other": "a"}])
def test_a_remedy_has_exactly_its_targets(target: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        action("tell_tenant", verify="", **target)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidInput):
        action("flush_everything", verify="")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_kind_is_dangerous_and_each_can_be_undone_or_says_that_it_cannot(kind: str) -> None:
    known = KINDS[kind]
    one = action(kind, verify="a signal", **dict.fromkeys(known.target, "part"))
    words = f"{one.command} {told(one)}".lower()
    assert not [word for word in DANGEROUS if word in words]
    assert one.reversible == bool(one.undo)
    assert one.risk in {"none", "low", "medium"}
    assert one.dry_run
