"""Where faults of ours stop on their way to a client of MCP, so that everything behind a wall has one kind of error to answer.

`FederatedEndpoint.reply`, which every request of the current revision passes, has its wall written out: a `try` costs it nothing.
"""

from types import TracebackType

import structlog

from mcp_gateway.core.errors import GatewayError, Internal

log = structlog.get_logger(__name__)


class Wall:
    """Whatever fails inside leaves as a `GatewayError`. Any other `Exception` is logged as `event` and leaves as `Internal`."""

    __slots__ = ("_event", "_facts")

    def __init__(self, event: str, **facts: str) -> None:
        self._event, self._facts = event, facts

    def __enter__(self) -> None: ...

    def __exit__(self, _: type[BaseException] | None, fault: BaseException | None, __: TracebackType | None) -> None:
        if isinstance(fault, Exception) and not isinstance(fault, GatewayError):
            log.error(self._event, exc_info=fault, **self._facts)
            raise Internal from fault
