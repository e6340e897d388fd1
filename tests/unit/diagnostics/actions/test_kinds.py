"""Remedies are typed: nothing dangerous is among them, and no name from outside gets into a command."""

import shlex

import pytest

from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.diagnostics.actions.by_hand import BY_HAND
from mcp_gateway.diagnostics.actions.kinds import KINDS, OURS, action, told

DANGEROUS = ("flush", "keys *", "monitor", "config set", "shutdown", "del ", "debug", "xargs")


@pytest.mark.parametrize("tenant", ["x'; flushall", "a b", "$(reboot)", "`id`", "a|b", "*", "a\nb", "a;b", '"', ""])
def test_an_unusual_name_is_not_written_into_a_command(tenant: str) -> None:
    one = action("tell_tenant", verify="refusals fall", tenant=tenant)
    assert one.command.startswith("# by hand: tell '<tenant>' what was asked for")
    ours = action("release_breaker", verify="refusals stop", breaker=tenant)
    assert ours.command == "mcp-gateway ops apply release_breaker 'breaker=<breaker>'"


def test_what_is_done_by_hand_is_told_in_lines_that_hold_nothing_from_outside() -> None:
    assert set(BY_HAND) == set(KINDS) - OURS
    for kind, lines in BY_HAND.items():
        command = action(kind, verify="", **dict.fromkeys(KINDS[kind].target, "a\nrm -rf /")).command
        assert len(command.splitlines()) == len(lines) >= 2
        assert "rm -rf" not in command
        assert "{" not in command.replace('\'{"metric_type": "rate_limiting"}\'', "")


def test_lines_for_a_shell_can_be_read_by_one() -> None:
    for kind in BY_HAND:
        for line in action(kind, verify="", **dict.fromkeys(KINDS[kind].target, "a:b")).command.splitlines():
            words = shlex.split(line, comments=True)
            assert not words or words[0] in {"mcp-gateway", "redis-cli", "kubectl", "kill", "systemctl", "export", "chronyc"}


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
