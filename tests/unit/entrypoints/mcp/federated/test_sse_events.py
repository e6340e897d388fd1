"""How a message is written as an event."""

import orjson
import pytest

from mcp_gateway.adapters.links.sse_events import EventSplitter
from mcp_gateway.entrypoints.mcp.federated.sse_events import event_bytes

MESSAGE = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "two\r\nlines \n", "list": [1, {"a": None}]}}


def test_an_event_is_one_line_of_data_whatever_its_bytes() -> None:
    assert event_bytes(b'{"a":\r\n1}', "e") == b'event: message\nid: e\ndata: {"a":  1}\n\n'
    assert event_bytes(b'{"a":\r\n1}') == b'event: message\ndata: {"a":  1}\n\n'


@pytest.mark.parametrize("event_id", ["", "r1-1.7"])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_a_message_over_several_lines_is_read_as_what_it_was(ending: bytes, event_id: str) -> None:
    written = event_bytes(orjson.dumps(MESSAGE, option=orjson.OPT_INDENT_2).replace(b"\n", ending), event_id)
    (event,) = EventSplitter(10_000).feed(written)
    assert orjson.loads(event.data) == MESSAGE
