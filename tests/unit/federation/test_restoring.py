"""Answers whose ids are changed back."""

import json

import pytest

from mcp_gateway.federation.errors import UpstreamMisbehaved
from mcp_gateway.federation.model import Reply
from mcp_gateway.federation.restoring import restored


def test_an_answer_nested_too_deep_is_the_servers_fault() -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}}).encode().replace(b"{}", b'{"a":' * 1_000 + b"1" + b"}" * 1_000)
    with pytest.raises(UpstreamMisbehaved):
        restored(Reply(body=body), lambda result: result)
