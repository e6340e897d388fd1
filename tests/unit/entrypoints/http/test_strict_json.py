"""Bodies that two readers could read differently."""

import asyncio
import json

import pytest
from starlette.types import Message
from tests.unit.entrypoints.http.conftest import NOW
from tests.unit.entrypoints.http.guarded import open_guarded

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.entrypoints.http.replies import Replies
from mcp_gateway.entrypoints.http.strict_json import TOO_DEEP, StrictJson, find_ambiguity

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "body",
    [
        '{"query": "a", "query": "b"}',
        '{"query": "a", "Query": "b"}',
        '{"query": "a", "QUERY": "b"}',
        '{"query": "a", "\\u0051uery": "b"}',
        '{"query": "a", "context": {"x": [{"y": 1, "Y": 2}]}}',
    ],
)
async def test_a_name_twice_in_an_object_is_refused(body: str) -> None:
    """GHSA-4gph-2hhr-5mwg: authorised by one spelling, carried out by the other."""
    async with open_guarded() as gate:
        headers = gate.bearer() | {"Content-Type": "application/json"}
        reply = await gate.client.post("/api/chat", content=body, headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "AMBIGUOUS_JSON")


async def test_a_body_that_never_ends_is_not_waited_for() -> None:
    clock = FixedClock(NOW)
    sent: list[Message] = []

    async def never(*_: object) -> None:
        raise AssertionError

    async def trickle() -> Message:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    step = StrictJson(never, replies=Replies(clock=clock, new_id=lambda: "id"), seconds=0.01)
    await step({"type": "http", "method": "POST", "path": "/api/chat", "headers": []}, trickle, send)
    assert sent[0]["status"] == 408


async def test_a_client_that_goes_away_in_the_middle_gets_nothing_and_nothing_is_done() -> None:
    async def never(*_: object) -> None:
        raise AssertionError

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    step = StrictJson(never, replies=Replies(clock=FixedClock(NOW), new_id=lambda: "id"))
    await step({"type": "http", "method": "POST", "path": "/api/chat", "headers": []}, gone, never)


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"a": {"b": 1}, "b": {"a": 1}}', '[{"a": 1}, {"A": 1}]', "1" * 10_000])
def test_what_is_clear_or_no_json_goes_on_to_its_route(body: str) -> None:
    assert find_ambiguity(body.encode()) is None


@pytest.mark.parametrize("body", ['{"a": 1, "A": 2, "n": %s}' % ("1" * 5_000), '{"n": 1e999, "a": 1, "A": NaN}'])
def test_no_number_keeps_the_names_from_being_looked_at(body: str) -> None:
    assert find_ambiguity(body.encode()) == "A"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_body_in_another_encoding_is_looked_at_too(encoding: str) -> None:
    assert find_ambiguity(json.dumps({"a": 1, "A": 2}).encode(encoding)) == "A"


@pytest.mark.parametrize("depth", [1_000, 1_020, 1_200])
async def test_names_that_stand_behind_too_many_brackets_to_be_looked_at_are_refused(depth: int) -> None:
    """The quick reader still gets to the end of a thousand, and so may a server: each may take another of the two names."""
    body = '{"query": "a", "query": "b", "deep": ' + "[" * depth + "]" * depth + "}"
    assert find_ambiguity(body.encode()) == TOO_DEEP
    async with open_guarded() as gate:
        headers = gate.bearer() | {"Content-Type": "application/json"}
        reply = await gate.client.post("/api/chat", content=body, headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "AMBIGUOUS_JSON")
