"""Whatever an older client sends, it gets an HTTP answer that says so, and nothing of it stays behind."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.depth import examples
from tests.older_clients import ModernServer, World

from mcp_gateway.core.errors import Json
from mcp_gateway.federation.client_sessions.model import key_of

METHODS = st.sampled_from(
    ["initialize", "ping", "tools/call", "tools/list", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"]
) | st.sampled_from(["notifications/cancelled", "notifications/initialized", "server/discover", "tasks/get", "x", ""])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12)
NAMES = st.sampled_from(
    ["name", "arguments", "uri", "level", "requestId", "_meta", "progressToken", "protocolVersion", "capabilities", "clientInfo"]
) | st.sampled_from(
    ["inputResponses", "requestState", "task", "io.modelcontextprotocol/clientCapabilities", "echo", "2025-03-26"]
)
VALUES = st.recursive(
    LEAVES | NAMES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=10
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | VALUES,
        "id": st.integers() | st.text(max_size=4) | VALUES,
        "method": METHODS | VALUES,
        "params": st.dictionaries(NAMES, VALUES, max_size=4) | VALUES,
        "result": VALUES,
        "error": VALUES,
    },
)
REQUESTS = st.builds(
    lambda method, params, request_id: {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params},
    METHODS,
    st.dictionaries(NAMES, VALUES, max_size=4),
    st.integers() | st.text(max_size=4),
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "accept": st.sampled_from(["", "*/*", "text/html", "application/json, text/event-stream;q=0.5"]),
        "content-type": st.sampled_from(["", "application/json; charset=utf-8", "text/plain"]),
        "mcp-protocol-version": st.sampled_from(["", "2025-03-26", "2025-11-25", "nonsense"]),
        "mcp-session-id": st.sampled_from(["", "session-1", "nonsense"]),
    },
)


@settings(max_examples=examples(80), deadline=None)
@given(message=MESSAGES | REQUESTS | st.lists(MESSAGES | REQUESTS, max_size=3) | st.lists(VALUES, max_size=2), headers=HEADERS)
def test_every_post_is_answered_and_nothing_stays_behind(message: Json, headers: dict[str, str]) -> None:
    async def exchange() -> None:
        world = World(ModernServer())
        session = await world.open("2025-03-26", elicitation={})
        answered = await world.ask(message, headers={"mcp-session-id": session, **headers}).whole()

        assert answered.status in {200, 202, 400, 404, 406, 413, 415}
        assert world.live.find(key_of(session)) is None

    asyncio.run(exchange())


@settings(max_examples=examples(50), deadline=None)
@given(message=MESSAGES | REQUESTS | st.lists(MESSAGES | REQUESTS, max_size=2))
def test_every_message_for_an_sse_session_is_taken_or_refused(message: Json) -> None:
    async def exchange() -> None:
        world = World(ModernServer())
        stream = world.ask(method="GET", path="/sse")
        address = (await stream.event())["data"]
        answered = await world.ask(message, path=address).whole()
        stream.leave()
        await stream.task

        assert answered.status in {202, 400}
        assert world.live.find(key_of(address.partition("session_id=")[2])) is None

    asyncio.run(exchange())
