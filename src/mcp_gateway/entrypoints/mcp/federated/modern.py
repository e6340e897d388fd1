"""From the bytes of a client of 2026-07-28 to a `Request`; what cannot be read is refused in the protocol's words.

The steps and their order are those of the revision: one JSON-RPC message, the envelope in `_meta`, the headers that repeat parts
of the body, and only then the version.
"""

from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, MessageId, error_message, parse, render
from mcp_gateway.core.protocol.header_values import decode_value
from mcp_gateway.core.protocol.revisions import MODERN, REVISIONS
from mcp_gateway.core.protocol.words import (
    CAPABILITIES_KEY,
    ENVELOPE_KEYS,
    HEADER_MISMATCH,
    HTTP_STATUS_OF,
    INFO_KEY,
    INVALID_PARAMS,
    INVALID_REQUEST,
    LOG_LEVEL_KEY,
    METHOD_HEADER,
    NAME_HEADER,
    NAMED_BY,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    VERSION_HEADER,
    VERSION_KEY,
)
from mcp_gateway.entrypoints.mcp.federated.heads import Head
from mcp_gateway.federation.model import Client, Request

SINGLE_MESSAGE = "Body must be a single JSON-RPC request or notification object"


class Refusal(Exception):
    """The request is answered with this JSON-RPC error. `id` None: it could not be read."""

    def __init__(self, code: int, message: str, data: Json = None, id: MessageId | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.code, self.message, self.data, self.id = code, message, data, id

    @property
    def status(self) -> int:
        return HTTP_STATUS_OF.get(self.code, 200)

    def body(self) -> bytes:
        return render(error_message(self.id, self.code, self.message, self.data))


def read_message(body: bytes) -> JsonObject | list[Json]:
    """One message, or the list of them that revision 2025-03-26 allows. Raises `Refusal`."""
    try:
        message = parse(body)
    except (ValueError, RecursionError):
        raise Refusal(PARSE_ERROR, "Parse error") from None
    if not isinstance(message, dict | list):
        raise Refusal(INVALID_REQUEST, SINGLE_MESSAGE)
    return message


def is_notification(message: JsonObject) -> bool:
    """Whether nobody waits for an answer (JSON-RPC 2.0, 4.1). Raises `Refusal` for what is neither that nor a request."""
    method, params = message.get("method"), message.get("params", {})
    if message.get("jsonrpc") != "2.0" or not isinstance(method, str) or not isinstance(params, dict):
        raise Refusal(INVALID_REQUEST, SINGLE_MESSAGE)
    if "id" not in message:
        return True
    identity = message["id"]
    if isinstance(identity, bool) or not isinstance(identity, int | str):
        raise Refusal(INVALID_REQUEST, SINGLE_MESSAGE)
    return False


def check_version(version: str, request_id: MessageId | None = None) -> None:
    """Raises `Refusal` naming the revisions there are."""
    if version != MODERN:
        raise Refusal(
            UNSUPPORTED_VERSION, "Unsupported protocol version", {"supported": [MODERN], "requested": version}, request_id
        )


def read_request(head: Head, message: JsonObject, body: bytes, caller: Caller, token: str | None) -> Request:
    """`message` is what `body` holds, and no notification. Raises `Refusal`."""
    request_id, method, params = message["id"], message["method"], message.get("params", {})
    assert isinstance(request_id, int | str) and isinstance(method, str) and isinstance(params, dict)  # noqa: S101, PT018 - `is_notification`
    if head.twice:
        raise Refusal(HEADER_MISMATCH, f"{head.twice.decode()} header appears more than once", None, request_id)
    meta = params.get("_meta")
    if not isinstance(meta, dict) or VERSION_KEY not in meta or CAPABILITIES_KEY not in meta:
        words = f"params._meta must be an object with the keys {VERSION_KEY!r} and {CAPABILITIES_KEY!r}"
        raise Refusal(INVALID_PARAMS, words, None, request_id)
    version = _check_repeated(head, method, params, meta, request_id)
    check_version(version, request_id)
    info, capabilities, level = meta.get(INFO_KEY), meta[CAPABILITIES_KEY], meta.get(LOG_LEVEL_KEY)
    if not isinstance(capabilities, dict):
        raise Refusal(INVALID_PARAMS, f"{CAPABILITIES_KEY!r} must be an object", None, request_id)
    rest: JsonObject = {key: value for key, value in meta.items() if key not in ENVELOPE_KEYS}
    return Request(
        id=request_id,
        method=method,
        params={**params, "_meta": rest} if rest else {key: value for key, value in params.items() if key != "_meta"},
        client=Client(
            caller=caller,
            revision=version,
            info=info if isinstance(info, dict) else None,
            capabilities=capabilities,
            log_level=level if isinstance(level, str) else None,
            trace=tuple(head.trace),
            token=token,
        ),
        body=body,
        headers=tuple(head.params),
    )


def _check_repeated(head: Head, method: str, params: JsonObject, meta: JsonObject, request_id: MessageId) -> str:
    """The revision, once every header says what the body says: whoever routes by the one must not differ from the other."""
    version = head.version
    if head.get(VERSION_HEADER) is None or version != meta[VERSION_KEY]:
        words = "mcp-protocol-version header does not match the request envelope's protocol version"
        raise Refusal(HEADER_MISMATCH, words, None, request_id)
    if (head.get(METHOD_HEADER) or b"").decode("latin-1") != method:
        raise Refusal(HEADER_MISMATCH, "mcp-method header does not match the request body's method", None, request_id)
    key = NAMED_BY.get(method)
    if key is not None and params.get(key) is not None:
        named = head.get(NAME_HEADER)
        if named is None or decode_value(named) != params[key]:
            words = f"mcp-name header does not match the request body's {key!r} parameter"
            raise Refusal(HEADER_MISMATCH, words, None, request_id)
    return version


def is_modern(head: Head) -> bool:
    """Whether the request is of 2026-07-28 or of a revision nobody knows, which is told so as that one tells it."""
    return bool(head.version) and head.version not in REVISIONS[1:]
