"""The messages of a `subscriptions/listen` stream as bytes. Every one carries the id of the request it belongs to."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mcp_gateway.core.protocol.frames import JsonObject, MessageId, object_at, render
from mcp_gateway.core.protocol.words import SUBSCRIPTION_KEY

ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"
UPDATED: Final = "notifications/resources/updated"
LIST_CHANGED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tools": "notifications/tools/list_changed",
        "prompts": "notifications/prompts/list_changed",
        "resources": "notifications/resources/list_changed",
    }
)
# The filter's key for each list.
LIST_FILTERS: Final[Mapping[str, str]] = MappingProxyType(
    {"tools": "toolsListChanged", "prompts": "promptsListChanged", "resources": "resourcesListChanged"}
)
URI_FILTER: Final = "resourceSubscriptions"


def acknowledged(request_id: MessageId, honoured: JsonObject) -> bytes:
    return notification(request_id, ACKNOWLEDGED, {"notifications": honoured})


def notification(request_id: MessageId, method: str, params: JsonObject) -> bytes:
    """`params` as the upstream had them, its `_meta` included; only whose stream it is, is said anew."""
    meta = {**object_at(params, "_meta"), SUBSCRIPTION_KEY: request_id}
    return render({"jsonrpc": "2.0", "method": method, "params": {**params, "_meta": meta}})


def ended(request_id: MessageId) -> bytes:
    """The result: the stream ends on purpose."""
    result: JsonObject = {"resultType": "complete", "_meta": {SUBSCRIPTION_KEY: request_id}}
    return render({"jsonrpc": "2.0", "id": request_id, "result": result})
