"""Errors about a server: what their hints say can be typed as it stands."""

import pytest

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.federation.errors import UpstreamMisbehaved, UpstreamRefused, UpstreamUnreachable, WaitingForApproval


@pytest.mark.parametrize("error", [UpstreamUnreachable, UpstreamMisbehaved, UpstreamRefused, WaitingForApproval])
def test_a_hint_names_the_server_where_it_is_known(error: type[GatewayError]) -> None:
    hint = error(server="crm").hint
    assert " crm" in hint
    assert "NAME" not in hint
    assert error(server="crm", hint="Wait.").hint == "Wait."


def test_a_tool_is_named_as_a_shell_takes_it() -> None:
    hint = WaitingForApproval(server="crm", name="find; rm -rf ~").hint
    assert "`mcp-gateway tools diff crm 'find; rm -rf ~'`" in hint
    assert "diff crm find_customer`" in WaitingForApproval(server="crm", name="find_customer").hint
