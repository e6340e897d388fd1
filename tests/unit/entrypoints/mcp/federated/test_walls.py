"""What passes the wall at the edge, and what it says of what does not."""

import asyncio

import pytest
from structlog.testing import capture_logs

from mcp_gateway.core.errors import Internal, NotFound
from mcp_gateway.entrypoints.mcp.federated.walls import Wall


def test_a_fault_of_ours_is_logged_with_its_traceback_and_leaves_as_internal() -> None:
    fault = RuntimeError("secret details")
    with capture_logs() as lines, pytest.raises(Internal) as left, Wall("request_fault", method="tools/call"):
        raise fault
    assert lines == [{"event": "request_fault", "log_level": "error", "exc_info": fault, "method": "tools/call"}]
    assert "secret" not in str(left.value.to_dict())


@pytest.mark.parametrize("passing", [NotFound(), asyncio.CancelledError(), KeyboardInterrupt()])
def test_errors_in_our_words_and_endings_pass_as_they_are(passing: BaseException) -> None:
    with capture_logs() as lines, pytest.raises(type(passing)) as left, Wall("request_fault"):
        raise passing
    assert left.value is passing
    assert lines == []


def test_what_goes_well_is_not_spoken_of() -> None:
    with capture_logs() as lines, Wall("request_fault"):
        pass
    assert lines == []
