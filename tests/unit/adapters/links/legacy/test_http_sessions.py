"""Sessions over Streamable HTTP: opened once, told the truth, mended without a call being made twice, ended properly."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from tests.upstreams.older import (
    ABLE,
    TEXT,
    OlderServer,
    answer_to,
    asking,
    calling,
    does_it,
    error,
    event,
    messages,
    older_server,
    result,
    session_link,
    words,
)
from tests.upstreams.reaching import CLIENT, PATIENCE
from tests.upstreams.scripted_http import Asked, Wire, repeating, scripted

from mcp_gateway.adapters.links.legacy.link import LegacyLink
from mcp_gateway.core.identity import Caller
from mcp_gateway.federation.errors import UpstreamAnswerTooLarge, UpstreamLost, UpstreamMisbehaved, UpstreamRefused

pytestmark = pytest.mark.anyio


async def test_one_handshake_serves_many_calls() -> None:
    async with older_server(does_it) as server, session_link(server.url) as link:
        for _ in range(3):
            assert await words(await link.send(calling("work"))) == "done"
        assert server.opened == 1
        assert [one.headers.get("mcp-session-id") for one in server.asked[1:]] == ["session-1"] * 4
        assert server.asked[-1].headers["mcp-protocol-version"] == "2025-11-25"


async def test_calls_that_come_together_share_one_handshake() -> None:
    async with older_server(does_it) as server, session_link(server.url) as link:
        replies = await asyncio.gather(*(link.send(calling("work")) for _ in range(8)))
        assert [await words(reply) for reply in replies] == ["done"] * 8
        assert server.opened == 1


async def test_the_server_is_told_who_the_client_truly_is() -> None:
    client = replace(ABLE, revision="2025-06-18")
    async with older_server(does_it) as server, session_link(server.url) as link:
        await link.send(calling("work", None, client))
        assert server.told("initialize")[0]["params"] == {
            "protocolVersion": "2025-06-18",
            "capabilities": client.capabilities,
            "clientInfo": client.info,
        }


@pytest.mark.parametrize(
    "other",
    [
        replace(CLIENT, caller=Caller(tenant="local", subject="somebody else")),
        replace(CLIENT, caller=Caller(tenant="other", subject="local")),
        replace(CLIENT, caller=replace(CLIENT.caller, issuer="https://another.test")),
        replace(CLIENT, info={"name": "another", "version": "1"}),
        replace(CLIENT, capabilities={"sampling": {}}),
        replace(CLIENT, revision="2025-03-26"),
        replace(CLIENT, session="another"),
    ],
    ids=["subject", "tenant", "issuer", "info", "capabilities", "revision", "session"],
)
async def test_whoever_differs_in_anything_the_server_is_told_has_a_session_of_its_own(other: Any) -> None:
    async with older_server(does_it) as server, session_link(server.url) as link:
        for client in (CLIENT, other, CLIENT, other):
            await link.send(calling("work", None, client))
        used = [one.headers["mcp-session-id"] for one in server.asked if b"tools/call" in one.body]
        assert used == ["session-1", "session-2", "session-1", "session-2"]


async def test_a_forgotten_session_is_opened_anew_and_the_call_made_once() -> None:
    async with older_server(does_it) as server, session_link(server.url) as link:
        await link.send(calling("work"))
        server.known.clear()
        assert await words(await link.send(calling("work"))) == "done"
        assert server.opened == 2
        assert [one.headers["mcp-session-id"] for one in server.asked if b"tools/call" in one.body] == [
            "session-1",
            "session-1",
            "session-2",
        ]


async def test_a_server_that_forgets_every_session_is_not_asked_for_ever() -> None:
    async def forgets(wire: Wire, _: Asked, __: dict[str, Any]) -> None:
        wire.answer(b"", status="404 Not Found")

    async with older_server(forgets) as server, session_link(server.url) as link:
        with pytest.raises(UpstreamMisbehaved):
            await link.send(calling("work"))
        assert server.opened == 2


async def test_sessions_are_deleted_when_the_link_closes() -> None:
    async with older_server(does_it) as server:
        async with session_link(server.url) as link:
            await link.send(calling("work"))
            await link.send(calling("work", None, ABLE))
        assert sorted(server.ended) == ["session-1", "session-2"]


async def test_a_server_that_breaks_off_in_the_middle_of_a_call_is_not_asked_again() -> None:
    async def breaks(wire: Wire, _: Asked, __: dict[str, Any]) -> None:
        wire.cut()

    async with older_server(breaks) as server, session_link(server.url) as link:
        with pytest.raises(UpstreamLost):
            await link.send(calling("work"))
        assert len(server.told("tools/call")) == 1


async def test_a_stream_that_is_cut_is_taken_up_after_its_last_event() -> None:
    async def in_two(wire: Wire, asked: Asked, message: dict[str, Any]) -> None:
        wire.begin_stream()
        if not message:
            assert asked.headers["last-event-id"] == "e1"
            wire.chunk(event(answer_to(server.told("tools/call")[0], TEXT), "e2"))
            wire.chunk(b"")
            return
        wire.chunk(b"retry: 1\nid: e0\ndata:\n\n")
        wire.chunk(
            event(b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}', "e1")
        )
        await wire.writer.drain()
        wire.cut()

    async with older_server(in_two) as server, session_link(server.url) as link:
        heard = await messages(await link.send(calling("work", _meta={"progressToken": "p"})))
        assert [one.get("method", "response") for one in heard] == ["notifications/progress", "response"]
        assert len(server.told("tools/call")) == 1


async def test_a_stream_without_numbered_events_that_is_cut_is_lost() -> None:
    async def cut(wire: Wire, _: Asked, __: dict[str, Any]) -> None:
        wire.begin_stream()
        wire.chunk(b": nothing yet\n\n")
        await wire.writer.drain()
        wire.cut()

    async with older_server(cut) as server, session_link(server.url) as link:
        with pytest.raises(UpstreamLost):
            await messages(await link.send(calling("work")))
        assert len(server.told("tools/call")) == 1


async def test_a_client_that_leaves_has_its_call_cancelled() -> None:
    async def never_ends(wire: Wire, _: Asked, message: dict[str, Any]) -> None:
        wire.begin_stream()
        note = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": "p", "progress": 1}}
        wire.chunk(event(str(note).replace("'", '"').encode()))
        await wire.writer.drain()
        await wire.gone()

    async with older_server(never_ends) as server, session_link(server.url) as link:
        reply = await link.send(calling("work", _meta={"progressToken": "p"}))
        await reply.close()
        call = server.told("tools/call")[0]
        assert [one["params"]["requestId"] for one in server.told("notifications/cancelled")] == [call["id"]]


async def test_a_call_that_takes_too_long_is_cancelled() -> None:
    async def hangs(wire: Wire, _: Asked, __: dict[str, Any]) -> None:
        await wire.gone()

    limits = replace(PATIENCE, timeout_seconds=0.5)
    async with older_server(hangs) as server, session_link(server.url, limits=limits) as link:
        with pytest.raises(Exception, match="did not answer within"):
            await link.send(calling("work"))
        assert len(server.told("notifications/cancelled")) == 1


async def test_a_refused_credential_is_told_as_such() -> None:
    async def refuses(wire: Wire, _: Asked, __: dict[str, Any]) -> None:
        wire.answer(b"", status="401 Unauthorized")

    async with older_server(refuses) as server, session_link(server.url) as link:
        with pytest.raises(UpstreamRefused):
            await link.send(calling("work"))


async def test_an_answer_to_something_else_is_no_answer() -> None:
    async def confuses(wire: Wire, _: Asked, message: dict[str, Any]) -> None:
        wire.answer(answer_to({"id": "another"}, TEXT))

    async with older_server(confuses) as server, session_link(server.url) as link:
        with pytest.raises(UpstreamMisbehaved):
            await link.send(calling("work"))


async def test_an_endless_event_is_not_held() -> None:
    async def floods(wire: Wire, _: Asked, __: dict[str, Any]) -> None:
        wire.begin_stream()
        for _piece in range(64):
            wire.chunk(b"data: " + b"x" * 65_536)
            await wire.writer.drain()

    limits = replace(PATIENCE, max_answer_bytes=1_000_000)
    async with older_server(floods) as server, session_link(server.url, limits=limits) as link:
        with pytest.raises(UpstreamAnswerTooLarge):
            await messages(await link.send(calling("work")))


async def test_a_batch_as_2025_03_26_had_them_is_taken_apart() -> None:
    async def answers_in_a_batch(wire: Wire, _: Asked, message: dict[str, Any]) -> None:
        wire.answer(b"[" + answer_to(message, TEXT) + b"]")

    async with older_server(answers_in_a_batch) as server, session_link(server.url) as link:
        assert await words(await link.send(calling("work"))) == "done"


async def test_a_level_is_set_once_and_again_only_to_hear_more() -> None:
    async with older_server(does_it) as server, session_link(server.url) as link:
        for level in (None, "warning", "warning", "error", "info"):
            await link.send(calling("work", None, replace(CLIENT, log_level=level)))
        assert [one["params"]["level"] for one in server.told("logging/setLevel")] == ["warning", "info"]


async def test_two_calls_with_one_progress_token_do_not_hear_of_each_other() -> None:
    both = asyncio.Event()
    waiting: list[tuple[Wire, dict[str, Any]]] = []

    async def crosswise(wire: Wire, _: Asked, message: dict[str, Any]) -> None:
        waiting.append((wire, message))
        if len(waiting) == 2:
            both.set()
        await both.wait()
        wire.begin_stream()
        token = message["params"]["_meta"]["progressToken"]
        done = message["params"]["arguments"]["n"]
        note = f'{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":"{token}","progress":{done}}}}}'
        wire.chunk(event(note.encode()))
        wire.chunk(event(answer_to(message, TEXT)))
        wire.chunk(b"")

    async with older_server(crosswise) as server, session_link(server.url) as link:

        async def heard(n: int) -> list[Any]:
            told: list[Any] = await messages(await link.send(calling("work", {"n": n}, _meta={"progressToken": "mine"})))
            return [(one["params"]["progressToken"], one["params"]["progress"]) for one in told[:-1]]

        one, two = await asyncio.gather(heard(1), heard(2))
        assert (one, two) == ([("mine", 1)], [("mine", 2)])
        tokens = {message["params"]["_meta"]["progressToken"] for _, message in waiting}
        assert len(tokens) == 2


async def test_what_older_servers_do_not_know_is_not_sent_to_them(server_that_works: OlderServer) -> None:
    async with session_link(server_that_works.url) as link:
        for method in ("tasks/list", "ping", "logging/setLevel", "made/up"):
            assert (await error(await link.send(asking(method))))["code"] == -32601
    assert server_that_works.said == []


async def test_parameters_of_rounds_are_kept_from_the_server(server_that_works: OlderServer) -> None:
    async with session_link(server_that_works.url) as link:
        await link.send(calling("work", {"a": 1}, inputResponses={}, _meta={"trace": "kept"}, extra="kept"))
    sent = server_that_works.told("tools/call")[0]["params"]
    assert sent == {"name": "work", "arguments": {"a": 1}, "_meta": {"trace": "kept"}, "extra": "kept"}


async def test_lists_say_that_they_may_not_be_kept(server_that_works: OlderServer) -> None:
    async with session_link(server_that_works.url) as link:
        listed = await result(await link.send(asking("tools/list")))
    assert (listed["resultType"], listed["ttlMs"], listed["cacheScope"]) == ("complete", 0, "private")


@pytest.fixture
async def server_that_works(anyio_backend: str) -> Any:
    async with older_server(does_it) as server:
        yield server


async def test_a_session_whose_handshake_fails_is_ended_at_the_server() -> None:
    ended: list[str] = []

    async def answers(wire: Wire, asked: Asked) -> None:
        if asked.method == "DELETE":
            ended.append(asked.headers["mcp-session-id"])
            return wire.answer(b"")
        outcome = {"protocolVersion": "1999-12-31", "capabilities": {}, "serverInfo": {"name": "odd", "version": "1"}}
        return wire.answer(answer_to(json.loads(asked.body), outcome), more="mcp-session-id: session-1\r\n")

    async with scripted(repeating(answers)) as upstream, session_link(upstream.url) as link:
        with pytest.raises(UpstreamMisbehaved):
            await link.send(calling("work"))
        assert ended == ["session-1"]


async def test_a_call_that_could_not_be_begun_holds_its_session_no_longer() -> None:
    async def closed(wire: Wire, _: Asked, __: dict[str, Any]) -> None:
        wire.answer(b"", status="401 Unauthorized")

    async with older_server(closed) as server, session_link(server.url) as link:
        assert isinstance(link, LegacyLink)
        with pytest.raises(UpstreamRefused):
            await link.send(calling("work"))
        assert link.active == 0
