"""What people are told of a server that was looked at."""

import pytest

from mcp_gateway.cli.servers_printing import print_registered

FINDING = {"code": "auth_needed", "severity": "error", "message": "It refuses.", "hint": "Give it a credential.", "subject": ""}


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"reachable": False}, "crm is registered; it was not reached."),
        (
            {"reachable": True, "name": "", "version": "", "revision": None},
            "crm is registered; it was reached, and did not say what it is.",
        ),
        ({"reachable": True, "name": "CRM", "version": "2", "revision": "2025-11-25"}, "crm CRM 2, revision 2025-11-25"),
    ],
)
def test_a_server_is_said_to_be_registered_whatever_was_found(
    found: dict[str, object], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_registered({"server": {"name": "crm"}, "inspection": {**found, "lists": [], "findings": [FINDING]}})

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == told
    assert "It refuses." in lines[1]
