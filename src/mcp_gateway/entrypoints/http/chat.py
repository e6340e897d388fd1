"""Questions over HTTP: asked whole, asked as a stream of steps, or given as SQL."""

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.responses import Response

from mcp_gateway.ask.csv_text import csv_lines
from mcp_gateway.ask.model import Answer, QueryRows, Question
from mcp_gateway.ask.ports import ProgressListener
from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.http.data_answers import BehindAnswer, ModesAnswer
from mcp_gateway.entrypoints.http.errors import correlation_id_of
from mcp_gateway.entrypoints.http.event_stream import AnswerStream
from mcp_gateway.entrypoints.http.guards import Asked, ModesRead, SqlSent
from mcp_gateway.entrypoints.http.models import ChatRequest, ChatResponse, SqlRequest
from mcp_gateway.entrypoints.http.presence import while_connected
from mcp_gateway.entrypoints.http.replies import Replies
from mcp_gateway.entrypoints.http.shaping import answer_metadata, shape_answer
from mcp_gateway.gateway import AskQuestion, Gateway, RunSql
from mcp_gateway.kit.fastapi import GuardedRoute

CSV_TYPE = "text/csv"


def chat_routes(gateway: Gateway, replies: Replies) -> APIRouter:
    """POST /chat, /chat/stream and /sql, GET /chat/modes. Rows come as CSV to a client that accepts text/csv."""
    router = APIRouter(prefix="/api", tags=["chat"], route_class=GuardedRoute)
    asking = _Asking(gateway, replies)

    # patterns: allow write-not-idempotent: a question reads and changes nothing
    @router.post("/chat", response_model=ChatResponse, summary="Ask a question")
    async def chat(body: ChatRequest, request: Request, call: Asked) -> Response:
        return await asking.respond(request, gateway.ask, body, call.caller)

    # patterns: allow write-not-idempotent: a question reads and changes nothing
    @router.post("/chat/stream", response_class=StreamingResponse, summary="Ask, and hear of each step (server-sent events)")
    async def chat_stream(body: ChatRequest, request: Request, call: Asked) -> Response:
        async def work(tell: ProgressListener) -> ChatResponse:
            begun = replies.clock.monotonic()
            answer = await gateway.ask(call.caller, asking.question_of(body, request), tell)
            return asking.envelope(answer, body, request, begun)

        return AnswerStream(request, work, replies=replies)

    # patterns: allow write-not-idempotent: SQL that writes is refused
    @router.post("/sql", response_model=ChatResponse, summary="Run SQL through the checks and repairs of drafted SQL")
    async def run_sql(body: SqlRequest, request: Request, call: SqlSent) -> Response:
        return await asking.respond(request, gateway.run_sql, body, call.caller)

    @router.get("/chat/modes", summary="Ways of answering, and which can be used now")
    async def modes(_: ModesRead) -> ModesAnswer:
        return _shape_modes(gateway)

    return router


class _Asking:
    """What the routes share."""

    def __init__(self, gateway: Gateway, replies: Replies) -> None:
        self._limits = gateway.limits
        self._replies = replies

    async def respond(
        self, request: Request, use_case: AskQuestion | RunSql, body: ChatRequest | SqlRequest, caller: Caller
    ) -> Response:
        begun = self._replies.clock.monotonic()
        question = self.question_of(body, request)
        answer = await while_connected(request.receive, use_case(caller, question))
        if answer.rows is not None and CSV_TYPE in request.headers.get("accept", ""):
            return csv_response(answer.rows)
        return Response(self.envelope(answer, body, request, begun).model_dump_json(), media_type="application/json")

    def question_of(self, body: ChatRequest | SqlRequest, request: Request) -> Question:
        return Question(
            text=body.query if isinstance(body, ChatRequest) else body.sql,
            mode=body.mode,
            session_id=body.session_id,
            enable_recovery=body.enable_recovery,
            engine=body.engine if isinstance(body, ChatRequest) else "auto",
            max_rows=min(body.max_rows or self._limits.max_rows, self._limits.max_rows),
            correlation_id=correlation_id_of(request),
            face="http",
        )

    def envelope(self, answer: Answer, body: ChatRequest | SqlRequest, request: Request, begun: float) -> ChatResponse:
        metadata = answer_metadata(answer)
        metadata["processing_time_seconds"] = round(self._replies.clock.monotonic() - begun, 4)
        metadata["correlation_id"] = correlation_id_of(request)
        if isinstance(body, ChatRequest) and body.context is not None:
            metadata["context"] = body.context
        return self._replies.success(shape_answer(answer), metadata)


def csv_response(rows: QueryRows) -> Response:
    """The rows as a download; the headers say whether that is all of them."""
    headers = {
        "Content-Disposition": 'attachment; filename="result.csv"',
        "X-Truncated": str(rows.truncated_by is not None).lower(),
    }
    return StreamingResponse(csv_lines(rows), media_type=f"{CSV_TYPE}; charset=utf-8", headers=headers)


def _shape_modes(gateway: Gateway) -> ModesAnswer:
    servers: list[BehindAnswer] = [
        {"name": server.name, "connected": server.connected, "priority": server.priority} for server in gateway.servers()
    ]
    return {
        "available_modes": [
            {"mode": info.mode, "description": info.description, "available": info.available} for info in gateway.modes()
        ],
        "default_mode": "auto",
        "drafters": list(gateway.drafters),
        "orchestrator_status": {"initialized": gateway.health.report().word != "starting", "servers": servers},
    }
