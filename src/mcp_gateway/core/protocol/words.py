"""Header names, keys of `_meta`, methods and error codes, as revision 2026-07-28 has them unless it is said otherwise."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Header names as ASGI gives them: lower case.
VERSION_HEADER: Final = b"mcp-protocol-version"
METHOD_HEADER: Final = b"mcp-method"
NAME_HEADER: Final = b"mcp-name"
PARAM_PREFIX: Final = b"mcp-param-"
SESSION_HEADER: Final = b"mcp-session-id"
# W3C trace context, passed on in both directions of the call.
TRACE_HEADERS: Final = frozenset({b"traceparent", b"tracestate", b"baggage"})

VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
INFO_KEY: Final = "io.modelcontextprotocol/clientInfo"
CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
LOG_LEVEL_KEY: Final = "io.modelcontextprotocol/logLevel"
SERVER_INFO_KEY: Final = "io.modelcontextprotocol/serverInfo"
SUBSCRIPTION_KEY: Final = "io.modelcontextprotocol/subscriptionId"
# Of the gateway's own, between its two rims: answers to these questions may be errors, `{"error": …}`. Both sides are of an older
# era then, where a client may say no in this way.
REFUSALS_KEY: Final = "dev.mcp-gateway/refusals"
# In `_meta` of what would be the answer to such questions: there will be none, and the server may stop.
GIVEN_UP_KEY: Final = "dev.mcp-gateway/given-up"
# What a request of 2026-07-28 says of itself and of its client; older ones said it once, in the handshake.
ENVELOPE_KEYS: Final = frozenset({VERSION_KEY, INFO_KEY, CAPABILITIES_KEY, LOG_LEVEL_KEY})

TASKS_EXTENSION: Final = "io.modelcontextprotocol/tasks"
APPS_EXTENSION: Final = "io.modelcontextprotocol/ui"

# The parameter that Mcp-Name repeats.
NAMED_BY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tools/call": "name",
        "prompts/get": "name",
        "resources/read": "uri",
        "tasks/get": "taskId",
        "tasks/update": "taskId",
        "tasks/cancel": "taskId",
    }
)
# Each list and the key of its items in the result.
LISTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tools/list": "tools",
        "resources/list": "resources",
        "resources/templates/list": "resourceTemplates",
        "prompts/list": "prompts",
    }
)

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
HEADER_MISMATCH: Final = -32020
MISSING_CAPABILITY: Final = -32021
UNSUPPORTED_VERSION: Final = -32022
# Until 2025-11-25; since then it is INVALID_PARAMS with the URI in its data (SEP-2164).
RESOURCE_NOT_FOUND_LEGACY: Final = -32002

# Errors that HTTP says too; any other error is a 200.
HTTP_STATUS_OF: Final[Mapping[int, int]] = MappingProxyType(
    {
        PARSE_ERROR: 400,
        INVALID_REQUEST: 400,
        INVALID_PARAMS: 400,
        HEADER_MISMATCH: 400,
        MISSING_CAPABILITY: 400,
        UNSUPPORTED_VERSION: 400,
        METHOD_NOT_FOUND: 404,
    }
)
