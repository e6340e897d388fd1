"""Tasks of 2025-11-25 in the words of the extension of 2026-07-28.

There the client says which call is to be a task; here the server does. So a call becomes one where the tool will not run
otherwise and the client can take it. There a task's outcome and questions are fetched with a request of their own; here they
come with it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mcp_gateway.adapters.links.legacy.session import Session
from mcp_gateway.adapters.links.legacy.task_talk import TaskTalk
from mcp_gateway.adapters.links.legacy.translate import result_of
from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject, error_message, object_at, result_message
from mcp_gateway.core.protocol.words import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, MISSING_CAPABILITY, TASKS_EXTENSION
from mcp_gateway.federation.model import Request

METHODS: Final = frozenset({"tasks/get", "tasks/update", "tasks/cancel"})
# How long the server is asked to keep a task, and how long its session is kept for it at most.
_KEEP_MS: Final = 3_600_000
_QUESTION_SECONDS: Final = 2.0
_MAX_TOOLS: Final = 10_000
_MAX_TASKS: Final = 1_024
_POLL_MS: Final = 1_000
_ENDED: Final = ("completed", "failed", "cancelled")


@dataclass(slots=True)
class _Kept:
    """A task under way. `release` lets its session go."""

    release: Callable[[], None]
    timer: asyncio.TimerHandle
    talk: TaskTalk | None = None


class Tasks:
    """Of one server. A task is known in the session it was begun in, and so to its own caller."""

    def __init__(self) -> None:
        self._needing: set[str] = set()
        self._kept: dict[tuple[Session, str], _Kept] = {}

    def learn(self, tools: Json) -> None:
        """From a list of tools: which of them run as tasks alone."""
        for tool in tools if isinstance(tools, list) else []:
            name = tool.get("name") if isinstance(tool, dict) else None
            if not isinstance(name, str):
                continue
            if object_at(tool, "execution").get("taskSupport") != "required":
                self._needing.discard(name)
            elif len(self._needing) < _MAX_TOOLS:
                self._needing.add(name)

    def needed(self, request: Request, session: Session) -> bool:
        return session.runs_tasks and request.method == "tools/call" and request.name in self._needing

    def refusal(self, request: Request) -> JsonObject | None:
        """The error for a client that cannot take a task."""
        if TASKS_EXTENSION in object_at(request.client.capabilities, "extensions"):
            return None
        data: JsonObject = {"requiredCapabilities": {"extensions": {TASKS_EXTENSION: {}}}}
        return error_message(request.id, MISSING_CAPABILITY, f"The tool {request.name} runs as a task alone.", data)

    def asked_for(self, params: JsonObject) -> JsonObject:
        return {**params, "task": {"ttl": _KEEP_MS}}

    def begun(self, session: Session, message: JsonObject, hold: Callable[[], Callable[[], None]]) -> JsonObject:
        """The response to a call that was to be a task. `hold` keeps the session and gives what lets it go."""
        task = object_at(message, "result", "task")
        identity = task.get("taskId")
        if not isinstance(identity, str):
            return message
        if len(self._kept) < _MAX_TASKS and task.get("status") not in _ENDED:
            key = (session, identity)
            timer = asyncio.get_running_loop().call_later(_KEEP_MS / 1000, self._forget, key)
            self._kept[key] = _Kept(hold(), timer)
        return {**message, "result": {**_head(task), "resultType": "task"}}

    async def answer(self, request: Request, session: Session) -> JsonObject:
        """The response to one of `METHODS`."""
        identity = request.params.get("taskId")
        if not session.runs_tasks:
            return error_message(request.id, METHOD_NOT_FOUND, f"The server knows no {request.method}.")
        if not isinstance(identity, str):
            return error_message(request.id, INVALID_PARAMS, "Unknown task", {"taskId": identity})
        if request.method == "tasks/update":
            return await self._updated(request, session, identity)
        method = "tasks/get" if request.method == "tasks/get" else "tasks/cancel"
        response = await session.response(method, {"taskId": identity})
        task = response.get("result")
        if not isinstance(task, dict):
            error = object_at(response, "error") or {"code": INTERNAL_ERROR, "message": "The server's answer is no response."}
            return {"jsonrpc": "2.0", "id": request.id, "error": error}
        if request.method == "tasks/cancel":
            self._forget((session, identity))
            return result_message(request.id, {"resultType": "complete"})
        return result_message(request.id, {**await self._detail(request, session, identity, task), "resultType": "complete"})

    async def _detail(self, request: Request, session: Session, identity: str, task: JsonObject) -> JsonObject:
        detail = _head(task)
        if task.get("status") == "input_required":
            talk = self._talk(request, session, identity)
            detail["inputRequests"] = await talk.questions(_QUESTION_SECONDS) if talk is not None else {}
        elif task.get("status") in ("completed", "failed"):
            detail |= _outcome(await self._fetched(session, identity))
            self._forget((session, identity))
        elif task.get("status") == "cancelled":
            self._forget((session, identity))
        return detail

    async def _fetched(self, session: Session, identity: str) -> JsonObject:
        kept = self._kept.get((session, identity))
        outcome = kept.talk.outcome if kept is not None and kept.talk is not None else None
        return outcome or await session.response("tasks/result", {"taskId": identity})

    async def _updated(self, request: Request, session: Session, identity: str) -> JsonObject:
        kept = self._kept.get((session, identity))
        if kept is None:
            return error_message(request.id, INVALID_PARAMS, "Unknown task", {"taskId": identity})
        if kept.talk is not None:
            await kept.talk.answer(object_at(request.params, "inputResponses"))
        return result_message(request.id, {"resultType": "complete"})

    def _talk(self, request: Request, session: Session, identity: str) -> TaskTalk | None:
        """The one under way about this task, or a new one; None for a task that is not known here."""
        kept = self._kept.get((session, identity))
        if kept is None:
            return None
        if kept.talk is None or kept.talk.broken:
            kept.talk = TaskTalk(session, identity, request.client)
        return kept.talk

    def _forget(self, key: tuple[Session, str]) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            kept.timer.cancel()
            if kept.talk is not None:
                kept.talk.close()
            kept.release()

    def close(self) -> None:
        for key in tuple(self._kept):
            self._forget(key)


def _head(task: JsonObject) -> JsonObject:
    """What both revisions say of a task, with the names it has now."""
    head = {name: value for name, value in task.items() if name not in ("ttl", "pollInterval", "resultType")}
    head["ttlMs"] = task.get("ttl")
    head["pollIntervalMs"] = task.get("pollInterval", _POLL_MS)
    return head


def _outcome(response: JsonObject) -> JsonObject:
    """Failed is now only what did not answer at all; a tool that tells of its failure has completed."""
    result = response.get("result")
    if isinstance(result, dict):
        return {"status": "completed", "result": result_of(result, "tools/call")}
    return {"status": "failed", "error": object_at(response, "error")}
