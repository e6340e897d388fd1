"""What a fixture is: a tool under a name, and the call it sees, which asks its client in the way of the client's era."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import mcp_types as types
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ServerEvent
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from pydantic import ValidationError

MODERN = "2026-07-28"
TASKS = "io.modelcontextprotocol/tasks"

Context: TypeAlias = ServerRequestContext[Any, Any]
Asked: TypeAlias = types.ElicitRequest | types.CreateMessageRequest | types.ListRootsRequest
ANSWERS: dict[type[Any], type[Any]] = {
    types.ElicitRequest: types.ElicitResult,
    types.CreateMessageRequest: types.CreateMessageResult,
    types.ListRootsRequest: types.ListRootsResult,
}


class InputNeeded(Exception):
    """A call of 2026-07-28 ends here until the client comes back with the answers."""

    def __init__(self, asked: Mapping[str, Asked], state: str) -> None:
        super().__init__(", ".join(asked))
        self.result = types.InputRequiredResult(input_requests=dict(asked), request_state=state)


@dataclass
class World:
    """What lives as long as the server: who listens, what became of long calls, what runs as a task."""

    bus: InMemorySubscriptionBus = field(default_factory=InMemorySubscriptionBus)
    connections: list[Connection] = field(default_factory=list)
    watched: dict[str, list[Connection]] = field(default_factory=dict)
    sleeps: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, Any] = field(default_factory=dict)

    def met(self, connection: Connection) -> None:
        """Remember a connection of a handshake era, to tell it of changes; the last few hundred are enough."""
        if connection.protocol_version != MODERN and connection not in self.connections:
            self.connections = [*self.connections[-500:], connection]

    async def announce(self, event: ServerEvent, method: str) -> None:
        """A changed list, to everybody in either era."""
        await self.bus.publish(event)
        for connection in self.connections:
            await connection.notify(method, None)

    async def announce_resource(self, event: ServerEvent, uri: str) -> None:
        await self.bus.publish(event)
        for connection in self.watched.get(uri, ()):
            await connection.notify("notifications/resources/updated", {"uri": uri})


@dataclass
class Call:
    """One request as a fixture sees it. `given` are the answers of 2026-07-28 so far, those kept in the state included."""

    context: Context
    world: World
    arguments: Mapping[str, Any] = field(default_factory=dict)
    responses: Mapping[str, Any] = field(default_factory=dict)
    state: str | None = None

    @property
    def is_modern(self) -> bool:
        return self.context.protocol_version == MODERN

    @property
    def capabilities(self) -> types.ClientCapabilities:
        return self.context.session.client_capabilities or types.ClientCapabilities()

    async def log(self, line: str) -> None:
        params = types.LoggingMessageNotificationParams(level="info", data=line, logger="fixture")
        if self.is_modern and not (self.context.meta or {}).get("io.modelcontextprotocol/logLevel"):
            return
        await self.context.session.send_notification(
            types.LoggingMessageNotification(params=params), related_request_id=self.context.request_id
        )

    async def progress(self, done: float, total: float) -> None:
        await self.context.session.report_progress(done, total, f"{done:g} of {total:g}")

    async def ask(self, **asked: Asked) -> dict[str, Any]:
        """The answers by the same keys: over the standing connection, or by ending the call as one that needs input."""
        if not self.is_modern:
            answers = await asyncio.gather(*(self._ask_now(one) for one in asked.values()))
            return dict(zip(asked, answers, strict=True))
        kept = json.loads(self.state or "{}")
        answered = {**kept, **{key: _plain(value) for key, value in self.responses.items()}}
        try:
            return {key: ANSWERS[type(one)].model_validate(answered[key]) for key, one in asked.items()}
        except (KeyError, ValidationError):
            # What was answered in earlier rounds travels with the client: the server remembers nothing.
            kept_then = {key: value for key, value in answered.items() if key not in asked}
            raise InputNeeded(asked, json.dumps(kept_then)) from None

    async def _ask_now(self, asked: Asked) -> Any:
        # Named so, the question travels on the stream of the request it belongs to.
        metadata = ServerMessageMetadata(related_request_id=self.context.request_id)
        return await self.context.session.send_request(asked, ANSWERS[type(asked)], metadata=metadata)


Run: TypeAlias = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, kw_only=True)
class Fixture:
    """A tool and what it does. `task` "must": only as a task; "may": as one where the client can."""

    tool: types.Tool
    run: Run
    task: str = "no"


class Fixtures:
    """Tools by name, in the order they were added."""

    def __init__(self) -> None:
        self.by_name: dict[str, Fixture] = {}

    def tool(
        self, name: str, about: str, schema: dict[str, Any] | None = None, *, task: str = "no", **extra: Any
    ) -> Callable[[Run], Run]:
        def add(run: Run) -> Run:
            tool = types.Tool(name=name, description=about, input_schema=schema or takes(), **extra)
            self.by_name[name] = Fixture(tool=tool, run=run, task=task)
            return run

        return add


def takes(required: tuple[str, ...] = (), /, **properties: str | dict[str, Any]) -> dict[str, Any]:
    """An object schema; a property is the name of its type or a schema of its own."""
    fields = {name: {"type": one} if isinstance(one, str) else one for name, one in properties.items()}
    return {"type": "object", "properties": fields, **({"required": list(required)} if required else {})}


def text(words: str) -> types.TextContent:
    return types.TextContent(type="text", text=words)


def said(*blocks: Any, is_error: bool = False, **extra: Any) -> types.CallToolResult:
    content = [text(block) if isinstance(block, str) else block for block in blocks]
    return types.CallToolResult(content=content, is_error=is_error, **extra)


def form(message: str, schema: dict[str, Any]) -> types.ElicitRequest:
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))


def sampling(prompt: str, max_tokens: int = 100) -> types.CreateMessageRequest:
    message = types.SamplingMessage(role="user", content=text(prompt))
    return types.CreateMessageRequest(params=types.CreateMessageRequestParams(messages=[message], max_tokens=max_tokens))


def roots() -> types.ListRootsRequest:
    return types.ListRootsRequest()


def missing(**capabilities: Any) -> MCPError:
    """The client did not declare what is needed here."""
    named = ", ".join(capabilities)
    data = {"requiredCapabilities": capabilities}
    return MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, f"Missing required client capability: {named}", data)


def _plain(value: Any) -> Any:
    return value.model_dump(by_alias=True, mode="json", exclude_none=True) if hasattr(value, "model_dump") else value
