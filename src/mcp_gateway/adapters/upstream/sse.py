"""The HTTP+SSE transport of protocol revision 2024-11-05, as the specification's older servers speak it.

The SDK has one too, which cannot take an answer beyond 1 MiB and leaves a request hanging whose posting was refused.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urljoin, urlsplit

import anyio
import httpx2
from anyio.abc import TaskGroup, TaskStatus
from mcp.client._transport import TransportStreams  # no public name; what the SDK's client takes
from mcp.shared._context_streams import ContextReceiveStream, ContextSendStream, create_context_streams
from mcp.shared._httpx_utils import request_within_origin, sse_within_origin
from mcp.shared.message import SessionMessage
from mcp.types import INTERNAL_ERROR, INVALID_REQUEST, ErrorData, JSONRPCError, JSONRPCRequest, jsonrpc_message_adapter
from pydantic import ValidationError

Inbox = ContextSendStream[SessionMessage | Exception]
Outbox = ContextReceiveStream[SessionMessage]


@asynccontextmanager
async def sse_transport(url: str, client: httpx2.AsyncClient, *, max_event_bytes: int) -> AsyncIterator[TransportStreams]:
    """Streams of messages. Raises, or ends the reading stream, when the server's stream does."""
    async with sse_within_origin(client, url, max_event_size=max_event_bytes) as events:
        events.response.raise_for_status()
        inbox, reader = create_context_streams[SessionMessage | Exception](0)
        writer, outbox = create_context_streams[SessionMessage](0)
        async with inbox, reader, writer, outbox, anyio.create_task_group() as group:
            endpoint = await group.start(_receive, events, url, inbox)
            group.start_soon(_post_all, group, client, endpoint, outbox, inbox)
            yield reader, writer
            group.cancel_scope.cancel()


async def _receive(
    events: httpx2.EventSource, url: str, inbox: Inbox, *, task_status: TaskStatus[str] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Announces the address to post to, then hands on what the server says until it ends."""
    async with inbox:
        async for event in events:
            if event.event == "endpoint":
                task_status.started(_endpoint(url, event.data))
            elif event.event == "message" and event.data:
                try:
                    message = jsonrpc_message_adapter.validate_json(event.data, by_name=False)
                except ValidationError as error:
                    await inbox.send(error)
                else:
                    await inbox.send(SessionMessage(message))


def _endpoint(url: str, said: str) -> str:
    endpoint = urljoin(url, said)
    here, there = urlsplit(url), urlsplit(endpoint)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        # Whatever credentials go with the configured server must not follow it elsewhere.
        raise httpx2.ProtocolError("the server names an endpoint of another origin")
    return endpoint


async def _post_all(group: TaskGroup, client: httpx2.AsyncClient, endpoint: str, outbox: Outbox, inbox: Inbox) -> None:
    async for message in outbox:
        context = outbox.last_context
        if context is None:
            group.start_soon(_post, client, endpoint, message, inbox)
        else:
            context.run(group.start_soon, _post, client, endpoint, message, inbox)


async def _post(client: httpx2.AsyncClient, endpoint: str, message: SessionMessage, inbox: Inbox) -> None:
    content = message.message.model_dump_json(by_alias=True, exclude_unset=True)
    response = await request_within_origin(
        client, "POST", endpoint, content=content, headers={"content-type": "application/json"}
    )
    if response.is_success or not isinstance(message.message, JSONRPCRequest):
        return
    code = INVALID_REQUEST if response.status_code == 404 else INTERNAL_ERROR
    error = ErrorData(code=code, message="The server refused the message")
    await inbox.send(SessionMessage(JSONRPCError(jsonrpc="2.0", id=message.message.id, error=error)))
