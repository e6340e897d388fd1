"""From the words of 2026-07-28 to those of the revisions before, and back. What neither side needs to know stays as it is."""

from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject, MessageId, error_message, object_at, result_message
from mcp_gateway.core.protocol.revisions import MODERN, REVISIONS
from mcp_gateway.core.protocol.words import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    LISTS,
    RESOURCE_NOT_FOUND_LEGACY,
    SERVER_INFO_KEY,
    SUBSCRIPTION_KEY,
    TASKS_EXTENSION,
)
from mcp_gateway.federation.model import Client, UpstreamFacts

# Requests both eras have under one name.
SAME: Final = frozenset({*LISTS, "tools/call", "resources/read", "prompts/get", "completion/complete"})
# A server may ask the client for something only while it works on one of these.
INTERACTIVE: Final = frozenset({"tools/call", "resources/read", "prompts/get"})
# What may take as long as the client takes to answer.
WAITING: Final = INTERACTIVE | {"tasks/result"}
# What a client may be asked for, by the capability it declares for it.
ASKABLE: Final = frozenset({"roots", "sampling", "elicitation"})
CACHEABLE: Final = frozenset({*LISTS, "resources/read", "server/discover"})
# From the gravest.
_LEVELS: Final = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
_ONE_ROUND: Final = frozenset({"inputResponses", "requestState"})


def params_of(params: JsonObject, token: str | int | None) -> JsonObject:
    """The parameters for the server, with this progress token in place of the client's."""
    sent = {name: value for name, value in params.items() if name not in _ONE_ROUND}
    meta = params.get("_meta")
    if isinstance(meta, dict) and "progressToken" in meta and token is not None:
        sent["_meta"] = {**meta, "progressToken": token}
    elif meta == {}:
        del sent["_meta"]
    return sent


def with_own_token(meta: JsonObject, token: str | int | None) -> JsonObject:
    """`_meta` under the token the session uses in place of the client's."""
    return meta if token is None else {**meta, "progressToken": token}


def response_of(message: JsonObject, request_id: MessageId, method: str, params: JsonObject) -> JsonObject:
    """The server's response in the words of 2026-07-28, under the id of the client's request."""
    error = message.get("error")
    if isinstance(error, dict):
        return _error(error, request_id, method, params)
    result = message.get("result")
    if not isinstance(result, dict):
        return error_message(request_id, INTERNAL_ERROR, "The server's answer is no response.")
    return result_message(request_id, result_of(result, method))


def result_of(result: JsonObject, method: str) -> JsonObject:
    result["resultType"] = "complete"
    if method in CACHEABLE:
        ttl, scope = result.get("ttlMs"), result.get("cacheScope")
        if not isinstance(ttl, int) or isinstance(ttl, bool) or ttl < 0 or scope not in ("public", "private"):
            result["ttlMs"], result["cacheScope"] = 0, "private"
    return result


def _error(error: JsonObject, request_id: MessageId, method: str, params: JsonObject) -> JsonObject:
    code, message = error.get("code"), error.get("message")
    data: Json = error.get("data")
    if not isinstance(code, int) or isinstance(code, bool):
        code = INTERNAL_ERROR
    if code == RESOURCE_NOT_FOUND_LEGACY and method == "resources/read":
        code = INVALID_PARAMS
        data = {"uri": params.get("uri"), **data} if isinstance(data, dict) else {"uri": params.get("uri")}
    return error_message(request_id, code, message if isinstance(message, str) else "", data)


def wants_log(client: Client, notification: JsonObject) -> bool:
    """A client of 2026-07-28 hears what it asked for; one of an older era that set no level what the server chooses to say."""
    if client.log_level is None:
        return client.revision != MODERN
    return not graver(client.log_level, object_at(notification, "params").get("level"))


def graver(level: str | None, than: Json) -> bool:
    """Whether the first level is graver than the second; an unknown one is as little as can be."""
    return _depth(level) < _depth(than)


def _depth(level: Json) -> int:
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)


def with_token(notification: JsonObject, token: Json) -> JsonObject:
    """A progress notification under the client's own token."""
    return {**notification, "params": {**object_at(notification, "params"), "progressToken": token}}


def with_subscription(notification: JsonObject, request_id: MessageId) -> JsonObject:
    """A notification of a subscription under the id of the client's request."""
    params = object_at(notification, "params")
    meta = object_at(params, "_meta")
    if SUBSCRIPTION_KEY not in meta:
        return notification
    return {**notification, "params": {**params, "_meta": {**meta, SUBSCRIPTION_KEY: request_id}}}


def facts_of(result: JsonObject) -> UpstreamFacts:
    """From the result of the handshake."""
    revision, instructions = result.get("protocolVersion"), result.get("instructions")
    spoken = revision if isinstance(revision, str) else ""
    capabilities = {name: value for name, value in object_at(result, "capabilities").items() if name != "tasks"}
    if runs_tasks(result):
        capabilities["extensions"] = {**object_at(capabilities, "extensions"), TASKS_EXTENSION: {}}
    return UpstreamFacts(
        era="legacy",
        revision=spoken,
        supported=(spoken,),
        capabilities=capabilities,
        info=object_at(result, "serverInfo"),
        instructions=instructions if isinstance(instructions, str) else "",
    )


def runs_tasks(result: JsonObject) -> bool:
    """Whether a handshake offers tools that run as tasks, as 2025-11-25 has them."""
    return "call" in object_at(result, "capabilities", "tasks", "requests", "tools")


def discovered(facts: UpstreamFacts) -> JsonObject:
    """The result of `server/discover` that a server without it would give."""
    result: JsonObject = {
        "supportedVersions": list(REVISIONS),
        "capabilities": facts.capabilities,
    }
    if facts.info:
        result["_meta"] = {SERVER_INFO_KEY: facts.info}
    if facts.instructions:
        result["instructions"] = facts.instructions
    return result_of(result, "server/discover")
