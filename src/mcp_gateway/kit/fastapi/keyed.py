"""A guarded handler carried out once per `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07).

The key belongs to caller, operation and tenant; the request is the same when method, path, query and body are. The handler goes
on when its client leaves, so it must not need the connection, nor dependencies that `yield`. Streams cannot be kept.
"""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from mcp_gateway.kit.errors import InvalidPolicy
from mcp_gateway.kit.fastapi.passage import Call
from mcp_gateway.kit.resilience.idempotency.model import KeyedRequest, StoredAnswer, fingerprint, read_key
from mcp_gateway.kit.resilience.idempotency.once import Idempotency

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
# What describes the body or leads on; cookies, dates and limits are each response's own.
KEPT_HEADERS = frozenset({"content-type", "content-language", "content-disposition", "etag", "location", "last-modified"})


async def answer_once(
    idempotency: Idempotency, call: Call, request: Request, handler: Callable[[Request], Awaitable[Response]]
) -> Response:
    """The handler's response, or the kept one with `Idempotency-Replayed: true`. Raises what `Idempotency.run` raises."""
    body = await request.body()
    subject = call.caller.subject
    keyed = KeyedRequest(
        tenant=call.tenant,
        operation=call.operation,
        key=f"{len(subject)}:{subject}:{read_key(', '.join(request.headers.getlist(HEADER)))}",
        fingerprint=fingerprint(request.method, request.url.path, request.url.query, body),
    )
    made: list[Response] = []

    async def work() -> StoredAnswer:
        response = await handler(request)
        if isinstance(response, StreamingResponse):
            raise InvalidPolicy(f"{call.operation} streams its response, which cannot be kept for a repetition.")
        made.append(response)
        headers = tuple((name, value) for name, value in response.headers.items() if name in KEPT_HEADERS)
        return StoredAnswer(status=response.status_code, body=bytes(response.body), headers=headers)

    answer, replayed = await idempotency.run(keyed, work)
    if made and not replayed:
        return made[0]
    response = Response(answer.body, status_code=answer.status, headers=dict(answer.headers))
    if replayed:
        response.headers[REPLAYED] = "true"
    return response
