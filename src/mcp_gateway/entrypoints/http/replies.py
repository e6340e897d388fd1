"""The envelope of every chat answer and every error: who made it, when, and its id."""

from collections.abc import Callable

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.entrypoints.http.models import ChatResponse, ErrorShape, JsonObject, QueryResult


class Replies:
    """Stamps envelopes. `new_id` makes an id no other reply has."""

    def __init__(self, *, clock: Clock, new_id: Callable[[], str]) -> None:
        self.clock = clock
        self.new_id = new_id

    def success(self, data: QueryResult, metadata: JsonObject) -> ChatResponse:
        return ChatResponse(success=True, data=data, metadata=metadata, timestamp=self.clock.now(), response_id=self.new_id())

    def failure(self, error: GatewayError, *, correlation_id: str) -> ChatResponse:
        return ChatResponse(
            success=False,
            error=ErrorShape.model_validate({**error.to_dict(), "correlation_id": correlation_id}),
            metadata={"correlation_id": correlation_id},
            timestamp=self.clock.now(),
            response_id=self.new_id(),
        )
