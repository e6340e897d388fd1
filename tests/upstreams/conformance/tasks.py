"""Tools of the tasks extension: work that outlives its request, and is asked about, fed and cancelled by its id."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

import mcp_types as types
from mcp.shared.exceptions import MCPError
from tests.upstreams.conformance.fixtures import MODERN, TASKS, Call, Context, Fixtures, World, form, missing, said, takes

TASK_TOOLS = Fixtures()


class TaskParams(types.RequestParams):
    """Of `tasks/get`, `tasks/update` and `tasks/cancel`."""

    task_id: str
    input_responses: dict[str, Any] | None = None


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@dataclass
class Job:
    """One task. `wanted` are questions to its client not answered yet."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    status: str = "working"
    created: str = field(default_factory=_now)
    changed: str = field(default_factory=_now)
    ended: dict[str, Any] = field(default_factory=dict)
    wanted: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    runner: "asyncio.Task[None] | None" = None

    def become(self, status: str) -> None:
        self.status, self.changed = status, _now()

    def head(self) -> dict[str, Any]:
        times = {"createdAt": self.created, "lastUpdatedAt": self.changed, "ttlMs": 600_000, "pollIntervalMs": 200}
        return {"taskId": self.id, "status": self.status, **times}

    def shown(self) -> dict[str, Any]:
        wanted = {"inputRequests": self.wanted} if self.status == "input_required" else {}
        return {**self.head(), **wanted, **self.ended}

    async def ask(self, **asked: types.ElicitRequest) -> list[Any]:
        """The answers, once `tasks/update` has brought them all."""
        keys = [f"{key}-{self.id[:8]}" for key in asked]
        dumped = [one.model_dump(by_alias=True, mode="json", exclude_none=True) for one in asked.values()]
        self.wanted = dict(zip(keys, dumped, strict=True))
        self.become("input_required")
        while self.wanted:
            self.news.clear()
            await self.news.wait()
        self.become("working")
        return [self.answers[key] for key in keys]

    async def run(self, work: "Work") -> None:
        try:
            result = await work(self)
        except asyncio.CancelledError:
            self.become("cancelled")
        except _BrokenOnPurpose as error:
            self.ended = {"error": {"code": types.INTERNAL_ERROR, "message": str(error)}}
            self.become("failed")
        else:
            self.ended = {"result": result.model_dump(by_alias=True, mode="json", exclude_none=True)}
            self.become("completed")


Work: TypeAlias = Callable[[Job], Awaitable[types.CallToolResult]]


class _BrokenOnPurpose(Exception):
    """Ends a task as a protocol error does."""


def may_have_tasks(context: Context) -> bool:
    declared = context.session.client_capabilities or types.ClientCapabilities()
    return context.protocol_version == MODERN and TASKS in (declared.extensions or {})


def begin(world: World, work: Work) -> dict[str, Any]:
    """The answer to a call that goes on as a task."""
    job = Job()
    world.jobs[job.id] = job
    job.runner = asyncio.get_running_loop().create_task(job.run(work))
    return {"resultType": "task", **job.head()}


class TaskMethods:
    """`tasks/get`, `tasks/update`, `tasks/cancel`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def get(self, context: Context, params: TaskParams) -> dict[str, Any]:
        return self._job(context, params).shown()

    async def update(self, context: Context, params: TaskParams) -> dict[str, Any]:
        job = self._job(context, params)
        for key, value in (params.input_responses or {}).items():
            if job.wanted.pop(key, None) is not None:
                job.answers[key] = value
        job.news.set()
        return {}

    async def cancel(self, context: Context, params: TaskParams) -> dict[str, Any]:
        job = self._job(context, params)
        if job.runner is not None and not job.runner.done():
            job.runner.cancel()
            await asyncio.wait([job.runner], timeout=1)
        return {}

    def _job(self, context: Context, params: TaskParams) -> Job:
        if not may_have_tasks(context):
            raise missing(extensions={TASKS: {}})
        named = context.request.headers.get("mcp-name") if context.request is not None else None
        if named not in {None, params.task_id}:
            raise MCPError(types.HEADER_MISMATCH, "Mcp-Name does not match params.taskId")
        job = self._world.jobs.get(params.task_id)
        if not isinstance(job, Job):
            raise MCPError(types.INVALID_PARAMS, "Unknown task", {"taskId": params.task_id})
        return job


@TASK_TOOLS.tool("greet", "Says hello, never as a task.", takes(("name",), name="string"))
async def greet(call: Call) -> types.CallToolResult:
    return said(f"Hello, {call.arguments.get('name')}!")


@TASK_TOOLS.tool("slow_compute", "Takes its time, as a task where it may.", takes(seconds="number"), task="may")
async def slow_compute(call: Call) -> Any:
    async def work(_: Job | None) -> types.CallToolResult:
        seconds = float(call.arguments.get("seconds", 0))
        await asyncio.sleep(seconds)
        return said(f"computed for {seconds:g} s")

    return work if may_have_tasks(call.context) else await work(None)


@TASK_TOOLS.tool("failing_job", "A task that ends in an error of its own.", task="must")
async def failing_job(_: Call) -> Work:
    async def work(_: Job) -> types.CallToolResult:
        await asyncio.sleep(1)
        return said("the job failed on purpose", is_error=True)

    return work


@TASK_TOOLS.tool("protocol_error_job", "A task that breaks.", task="must")
async def protocol_error_job(_: Call) -> Work:
    async def work(_: Job) -> types.CallToolResult:
        await asyncio.sleep(0.1)
        raise _BrokenOnPurpose("the job broke on purpose")

    return work


@TASK_TOOLS.tool("confirm_delete", "A task that asks before it goes on.", takes(filename="string"), task="must")
async def confirm_delete(call: Call) -> Work:
    name = call.arguments.get("filename", "file")

    async def work(job: Job) -> types.CallToolResult:
        answers = await job.ask(confirm=form(f"Delete {name}?", takes(("ok",), ok="boolean")))
        return said(f"{name}: {json.dumps(answers)}")

    return work


@TASK_TOOLS.tool("multi_input", "A task that asks two things at once.", task="must")
async def multi_input(_: Call) -> Work:
    async def work(job: Job) -> types.CallToolResult:
        wanted = takes(("name",), name="string")
        return said(json.dumps(await job.ask(first=form("First?", wanted), second=form("Second?", wanted))))

    return work


@TASK_TOOLS.tool("test_tool_with_task", "Asks first, and then goes on as a task.", task="must")
async def asks_then_works(call: Call) -> Work:
    got = await call.ask(user_name=form("What is your name?", takes(("name",), name="string")))

    async def work(_: Job) -> types.CallToolResult:
        await asyncio.sleep(0.1)
        return said(f"done for {(got['user_name'].content or {}).get('name')}")

    return work
