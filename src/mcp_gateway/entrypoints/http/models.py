"""The shapes of the HTTP API: those of the chat, health and metrics contract, with fields added and none taken away.

Only here and in the routes does a value become JSON. Every answer carries `success`; where it is false `error` says why, in the
shape of `GatewayError.to_dict` plus the correlation id.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, with_config

JsonObject = dict[str, Any]

# What a route answers is worked out for its first answer: doing so for all of them was half of making the application.
deferred = with_config(ConfigDict(defer_build=True))

# What is echoed must be writable as JSON again; the writer gives up at 255 levels.
MAX_CONTEXT_DEPTH = 50


class Shape(BaseModel):
    """The base of all: nothing changes after it is made."""

    model_config = ConfigDict(frozen=True)


class ChatRequest(BaseModel):
    """A question. `mode` picks the servers; `engine` picks who drafts; `context` is accepted and not used for answering."""

    model_config = ConfigDict(extra="ignore")

    query: str = Field(description="The question in plain words, or SQL")
    mode: Literal["single_mcp", "multi_mcp", "auto"] = Field("auto", description="Which servers take part")
    context: JsonObject | None = Field(None, description="Anything the client wants to remember; echoed in metadata")
    session_id: str | None = Field(None, description="Conversation the question belongs to; None starts a new one")
    enable_recovery: bool = Field(True, description="Repair SQL the database refuses")
    engine: Literal["auto", "engine", "model"] = Field("auto", description="Who writes the SQL")
    max_rows: int | None = Field(None, ge=1, description="Rows wanted at most; None takes the gateway's limit")

    @field_validator("context")
    @classmethod
    def _can_be_echoed(cls, value: JsonObject | None) -> JsonObject | None:
        fault = _echo_fault(value)
        if fault:
            raise ValueError(fault)
        return value


class SqlRequest(BaseModel):
    """SQL written or edited by hand."""

    sql: str = Field(description="One SELECT")
    mode: Literal["single_mcp", "multi_mcp", "auto"] = "auto"
    session_id: str | None = None
    enable_recovery: bool = True
    max_rows: int | None = Field(None, ge=1)


class ColumnShape(Shape):
    """`type` is the database's word, `kind` one of text, integer, number, boolean, date, timestamp, time, binary, other."""

    name: str
    type: str
    kind: str


class ResultsShape(Shape):
    """`total_rows` is null where the database was not asked to count; `truncated_by` is "rows" or "bytes"."""

    columns: list[ColumnShape]
    rows: list[list[Any]]
    row_count: int
    total_rows: int | None
    truncated: bool
    truncated_by: str | None
    duration_ms: float


class EntityShape(Shape):
    """A word of the question and what it was taken to mean; query[start:end] == original_term, both -1 when it is not in it."""

    original_term: str
    start: int
    end: int
    kind: str
    server: str
    priority: int
    score: float
    label: str
    table: str | None
    column: str | None
    value: Any
    expression: str | None


class ReadingShape(Shape):
    """One way to understand the question. Send its `sql` to /api/sql to choose it."""

    sql: str
    description: str
    confidence: float


class ChartShape(Shape):
    """`kind` is number, bar or line; `x`, `ys` and `series` are column names."""

    kind: str
    x: str | None
    ys: list[str]
    series: str | None
    title: str


class StepShape(Shape):
    """A step of the pipeline. While it happens `phase` is "start" then "end"; in a finished answer it is "end"."""

    name: str
    phase: Literal["start", "end"]
    status: str
    started_ms: float
    duration_ms: float
    input: JsonObject
    output: JsonObject


class AttemptShape(Shape):
    """SQL that failed, why, and what was changed for the next try."""

    sql: str
    fault: str
    message: str
    repair: str


class UsageShape(Shape):
    """What a language model took."""

    model: str
    input_tokens: int
    output_tokens: int
    requests: int
    cost_usd: float | None


class QueryResult(Shape):
    """The answer. `results` is null when nothing was run: then `confident` is false and `readings` are what to choose from."""

    query: str
    sql_query: str
    results: ResultsShape | None
    resolved_entities: list[EntityShape] = Field(default_factory=list)
    explanation: str = ""
    understood: str = ""
    recovery_performed: bool = False
    confident: bool = True
    confidence: float = 0.0
    reason: str = ""
    readings: list[ReadingShape] = Field(default_factory=list)
    unexplained: list[str] = Field(default_factory=list)
    chart: ChartShape | None = None
    steps: list[StepShape] = Field(default_factory=list)
    attempts: list[AttemptShape] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    degraded: bool = False
    source: str = ""
    session_id: str | None = None
    is_follow_up: bool = False
    usage: UsageShape | None = None
    metadata: JsonObject = Field(default_factory=dict)


class ErrorShape(Shape):
    """Why it did not work: `code` is stable, `hint` says what to do, `data` holds the facts."""

    code: str
    message: str
    hint: str
    retryable: bool = False
    retry_after_seconds: float | None = None
    data: JsonObject = Field(default_factory=dict)
    correlation_id: str = ""


class ChatResponse(Shape):
    """The envelope of every chat answer and every error."""

    success: bool
    data: QueryResult | None = None
    error: ErrorShape | None = None
    metadata: JsonObject = Field(default_factory=dict)
    timestamp: datetime
    response_id: str


class HealthStatus(Shape):
    """`status` is healthy, degraded, unhealthy or starting; each service has `healthy`, `status` and its facts."""

    status: str
    services: dict[str, JsonObject]
    timestamp: datetime
    details: JsonObject = Field(default_factory=dict)


class PerformanceMetrics(Shape):
    """Figures over the last questions. Latencies in seconds, rates 0..1."""

    query_latency_p50: float
    query_latency_p95: float
    query_latency_p99: float
    total_queries: int
    successful_queries: int
    unsure_queries: int
    failed_queries: int
    success_rate: float
    cache_hit_rate: float
    cache_hits: int
    cache_misses: int
    recovery_attempts: int
    recovery_successes: int
    recovery_success_rate: float
    mcp_connection_status: dict[str, bool]
    uptime_seconds: float
    metrics_window_size: int
    timestamp: datetime


def _echo_fault(value: object) -> str | None:
    """Why this JSON value cannot be written again; None when it can."""
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if depth > MAX_CONTEXT_DEPTH:
            return f"Nested deeper than {MAX_CONTEXT_DEPTH} levels"
        if isinstance(item, str) and not item.isascii() and any("\ud800" <= letter <= "\udfff" for letter in item):
            return "Half of a surrogate pair is no character"
        if isinstance(item, dict):
            waiting += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list):
            waiting += [(part, depth + 1) for part in item]
    return None
