"""What a request is to the policy."""

import pytest
from tests.unit.federation.catalog.world import request, server

from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.federation import act_of
from mcp_gateway.federation.views import Route


@pytest.mark.parametrize(
    ("method", "params", "action"),
    [
        ("resources/read", {"uri": "db://x"}, "read_resource"),
        ("resources/subscribe", {"uri": "db://x"}, "read_resource"),
        ("resources/unsubscribe", {"uri": "db://x"}, "read_resource"),
        ("completion/complete", {"ref": {"type": "ref/resource", "uri": "db://x"}}, "read_resource"),
    ],
)
def test_whatever_is_done_with_a_resource_is_reading_it(method: str, params: JsonObject, action: str) -> None:
    """Who may not read one is not told when it changes."""
    act = act_of(request(method, params), Route(server=server("one"), name="db://x"))
    assert (act.action, act.target.server, act.target.tool) == (action, "one", "db://x")
