"""Remedies are typed: nothing dangerous is among them, and no name from outside gets into a command."""

import pytest

from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.diagnostics.actions.kinds import KINDS, OURS, action, told

DANGEROUS = ("flush", "keys *", "monitor", "config set", "shutdown", "del ", "debug", "xargs")


@pytest.mark.parametrize("tenant", ["x'; flushall", "a b", "$(reboot)", "`id`", "a|b", "*", "a\nb", "a;b", '"', ""])
def test_an_unusual_name_is_not_written_into_a_command(tenant: str) -> None:
    one = action("tell_tenant", verify="refusals fall", tenant=tenant)
    assert one.command.startswith("# by hand: Tell <tenant> of the limit")
    ours = action("release_breaker", verify="refusals stop", breaker=tenant)
    assert ours.command == "mcp-gateway ops apply release_breaker 'breaker=<breaker>'"


def test_what_is_done_by_hand_is_a_remark_of_one_line() -> None:
    for kind in set(KINDS) - OURS:
        command = action(kind, verify="", **dict.fromkeys(KINDS[kind].target, "a\nrm -rf /")).command
        assert command.startswith("# ")
        assert len(command.splitlines()) == 1


def test_an_ordinary_name_is() -> None:
    known = action("release_breaker", verify="", breaker="engine-1")
    assert known.command == "mcp-gateway ops apply release_breaker breaker=engine-1"
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
