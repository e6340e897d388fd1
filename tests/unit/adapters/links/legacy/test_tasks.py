"""Tasks of 2025-11-25 in the words of the extension: begun where they must be, looked at, answered, cancelled."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.upstreams.older import ABLE, TEXT, OlderServer, answer_to, asking, calling, error, event, result, session_link
from tests.upstreams.reaching import CLIENT, until
from tests.upstreams.scripted_http import Asked, Wire, scripted

from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.words import TASKS_EXTENSION
from mcp_gateway.federation.ports import Link

pytestmark = pytest.mark.anyio

ABLE_TASKS = replace(ABLE, capabilities={**ABLE.capabilities, "extensions": {TASKS_EXTENSION: {}}})
TOOLS = [
    {"name": "long", "inputSchema": {"type": "object"}, "execution": {"taskSupport": "required"}},
    {"name": "either", "inputSchema": {"type": "object"}, "execution": {"taskSupport": "optional"}},
]
QUESTION = {"method": "elicitation/create", "params": {"mode": "form", "message": "?", "requestedSchema": {"type": "object"}}}
YES = {"action": "accept", "content": {}}


@dataclass
class Work:
    """One task. `outcome` is what `tasks/result` answers once it has ended."""

    status: str = "working"
    outcome: dict[str, Any] = field(default_factory=lambda: {"result": TEXT})
    answers: list[Any] = field(default_factory=list)
    server: OlderServer = field(init=False)

    @property
    def task(self) -> dict[str, Any]:
        said = {
            "taskId": "t1",
            "status": self.status,
            "createdAt": "2026-01-01T00:00:00Z",
            "lastUpdatedAt": "2026-01-01T00:00:00Z",
        }
        return {**said, "ttl": 60_000, "pollInterval": 500}

    async def act(self, wire: Wire, _: Asked, message: dict[str, Any]) -> None:
        method = message["method"]
        if method == "tools/list":
            wire.answer(answer_to(message, {"tools": TOOLS}))
        elif method == "tools/call":
            wire.answer(answer_to(message, {"task": self.task} if "task" in message["params"] else TEXT))
        elif method == "tasks/result":
            await self._tell_result(wire, message)
        elif method in ("tasks/get", "tasks/cancel") and message["params"]["taskId"] == "t1":
            self.status = "cancelled" if method == "tasks/cancel" else self.status
            wire.answer(answer_to(message, self.task))
        else:
            wrong = {"code": -32602, "message": "no such task"}
            wire.answer(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": wrong}).encode())

    async def _tell_result(self, wire: Wire, message: dict[str, Any]) -> None:
        wire.begin_stream()
        if self.status == "input_required":
            wire.chunk(event(json.dumps({"jsonrpc": "2.0", "id": "s1", **QUESTION}).encode()))
            await wire.writer.drain()
            await until(lambda: any(one.get("id") == "s1" and "method" not in one for one in self.server.said))
            self.answers = [one["result"] for one in self.server.said if one.get("id") == "s1"]
            self.status = "completed"
        wire.chunk(event(json.dumps({"jsonrpc": "2.0", "id": message["id"], **self.outcome}).encode()))
        wire.chunk(b"")


@asynccontextmanager
async def working(work: Work, **offered: Any) -> AsyncIterator[Link]:
    capabilities: Any = {"tools": {}, "tasks": {"requests": {"tools": {"call": {}}}}, **offered}
    work.server = OlderServer(work.act, capabilities=capabilities)
    async with scripted(work.server.script) as upstream, session_link(upstream.url) as link:
        await link.send(asking("tools/list", ABLE_TASKS))
        yield link


async def look(link: Link) -> dict[str, Any]:
    return await result(await link.send(asking("tasks/get", ABLE_TASKS, taskId="t1")))


async def test_the_extension_is_offered_where_the_server_runs_tasks() -> None:
    async with working(Work()) as link:
        capabilities: Any = (await link.facts(ABLE_TASKS)).capabilities
    assert capabilities == {"tools": {}, "extensions": {TASKS_EXTENSION: {}}}


async def test_a_tool_that_runs_as_a_task_alone_becomes_one() -> None:
    work = Work()
    async with working(work) as link:
        begun = await result(await link.send(calling("long", None, ABLE_TASKS)))
    assert begun["resultType"] == "task"
    assert (begun["taskId"], begun["status"], begun["ttlMs"], begun["pollIntervalMs"]) == ("t1", "working", 60_000, 500)
    assert "ttl" not in begun
    assert work.server.told("tools/call")[0]["params"]["task"] == {"ttl": 3_600_000}


async def test_a_tool_that_may_run_without_is_called_without() -> None:
    work = Work()
    async with working(work) as link:
        assert (await result(await link.send(calling("either", None, ABLE_TASKS))))["resultType"] == "complete"
    assert "task" not in work.server.told("tools/call")[0]["params"]


async def test_a_client_that_cannot_take_a_task_is_told_what_is_missing() -> None:
    work = Work()
    async with working(work) as link:
        reply = await link.send(calling("long"))
        assert reply.status == 400
        told = await error(reply)
    assert (told["code"], told["data"]) == (-32021, {"requiredCapabilities": {"extensions": {TASKS_EXTENSION: {}}}})
    assert work.server.told("tools/call") == []


async def test_an_ended_task_comes_with_what_came_of_it() -> None:
    work = Work()
    async with working(work) as link:
        await link.send(calling("long", None, ABLE_TASKS))
        assert (await look(link))["status"] == "working"
        work.status = "completed"
        for _ in range(2):
            ended = await look(link)
            assert (ended["status"], ended["resultType"]) == ("completed", "complete")
            assert ended["result"] == {**TEXT, "resultType": "complete"}


async def test_a_tool_that_tells_of_its_failure_has_completed_and_one_that_does_not_answer_failed() -> None:
    work = Work(outcome={"result": {**TEXT, "isError": True}})
    async with working(work) as link:
        await link.send(calling("long", None, ABLE_TASKS))
        work.status = "failed"
        assert ((await look(link))["status"], (await look(link))["result"]["isError"]) == ("completed", True)
        work.outcome = {"error": {"code": -32603, "message": "broke"}}
        failed = await look(link)
    assert (failed["status"], failed["error"]) == ("failed", {"code": -32603, "message": "broke"})


async def test_what_a_task_asks_is_put_with_it_and_answered_through_an_update() -> None:
    work = Work()
    async with working(work) as link:
        await link.send(calling("long", None, ABLE_TASKS))
        work.status = "input_required"
        asked = await look(link)
        assert asked["inputRequests"] == {"question-1": QUESTION}
        assert (await look(link))["inputRequests"] == {"question-1": QUESTION}
        update = asking("tasks/update", ABLE_TASKS, taskId="t1", inputResponses={"question-1": YES, "unasked": YES})
        assert await result(await link.send(update)) == {"resultType": "complete"}
        await until(lambda: work.answers == [YES])
        assert (await look(link))["result"]["content"] == TEXT["content"]
    assert len(work.server.told("tasks/result")) == 1


async def test_a_task_is_cancelled() -> None:
    async with working(Work()) as link:
        await link.send(calling("long", None, ABLE_TASKS))
        assert await result(await link.send(asking("tasks/cancel", ABLE_TASKS, taskId="t1"))) == {"resultType": "complete"}
        assert (await look(link))["status"] == "cancelled"


async def test_a_task_nobody_knows_is_told_as_such() -> None:
    async with working(Work()) as link:
        for method in ("tasks/get", "tasks/cancel", "tasks/update"):
            assert (await error(await link.send(asking(method, ABLE_TASKS, taskId="nope"))))["code"] == -32602


async def test_a_task_is_asked_for_in_the_session_of_its_own_caller() -> None:
    work = Work()
    other = replace(ABLE_TASKS, caller=Caller(tenant="other", subject="local"))
    async with working(work) as link:
        await link.send(calling("long", None, ABLE_TASKS))
        await link.send(asking("tasks/get", other, taskId="t1"))
        assert (await error(await link.send(asking("tasks/update", other, taskId="t1"))))["code"] == -32602
    used = [one.headers["mcp-session-id"] for one in work.server.asked if b'"tasks/get"' in one.body]
    assert used == ["session-2"]


async def test_a_server_without_tasks_knows_none() -> None:
    async with working(Work(), tasks={}) as link:
        assert (await error(await link.send(asking("tasks/get", CLIENT, taskId="t1"))))["code"] == -32601
        assert "extensions" not in (await link.facts(CLIENT)).capabilities
