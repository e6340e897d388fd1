"""The values a question passes through on its way to an answer. Frozen, and without behaviour beyond their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from mcp_gateway.core.errors import Json
from mcp_gateway.core.schema import ColumnKind, DatabaseSchema, Scalar
from mcp_gateway.core.vocabulary import Vocabulary


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueMatch:
    """A stored value that stands in the question: question[start:end] means rows of `table` where `column` = `value`.

    `score` is 0..1, 1 for letter-for-letter; `how` says which comparison found it.
    """

    start: int
    end: int
    table: str
    column: str
    value: Scalar
    score: float
    how: Literal["exact", "folded", "stem", "prefix", "contains", "fuzzy"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedEntity:
    """A word of the question and what it was taken to mean; question[start:end] == original_term, both -1 when it is
    not a stretch of it.

    `kind`: "entity", "value", "table", "column", "condition", "metric", "period". `server` is the configured name of
    the server that
    said so, `priority` its priority (1 is most trusted). `expression` is SQL text where the meaning is a calculation or a range.
    """

    original_term: str
    start: int
    end: int
    kind: str
    server: str
    priority: int
    score: float = 1.0
    label: str = ""
    table: str | None = None
    column: str | None = None
    value: Scalar = None
    expression: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """What the words of a question were taken to mean; `missing_servers` could not be asked."""

    values: tuple[ValueMatch, ...] = ()
    entities: tuple[ResolvedEntity, ...] = ()
    warnings: tuple[str, ...] = ()
    missing_servers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One earlier question of a session.

    `form` is the drafter's own record of the query, to build a follow-up on; None when it has none.
    """

    question: str
    sql: str | None
    form: Json = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftRequest:
    """Everything a drafter may use.

    `now` carries its time zone; `history` is oldest first; `max_rows` is the row limit of a listing.
    """

    question: str
    schema: DatabaseSchema
    now: datetime
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    values: tuple[ValueMatch, ...] = ()
    entities: tuple[ResolvedEntity, ...] = ()
    history: tuple[Turn, ...] = ()
    max_rows: int = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One way to understand the question: its SQL in the target's dialect, the same in words, and how likely it is (0..1)."""

    sql: str
    description: str
    confidence: float
    form: Json = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a language model took: tokens, and money when the provider's price is known."""

    model: str
    input_tokens: int
    output_tokens: int
    requests: int
    cost_usd: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What a drafter makes of a question. `readings` are most likely first.

    `confident` is the drafter's own verdict against its threshold: False means "do not answer with this, offer the readings".
    `unexplained` are the content words of the question that the first reading makes no use of.
    """

    source: str
    readings: tuple[Reading, ...]
    confident: bool
    unexplained: tuple[str, ...] = ()
    entities: tuple[ResolvedEntity, ...] = ()
    reason: str = ""
    is_follow_up: bool = False
    usage: Usage | None = None

    @property
    def best(self) -> Reading | None:
        """The most likely reading; None when there is none at all."""
        return self.readings[0] if self.readings else None


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultColumn:
    """`type` is the database's name of the type, `kind` ours."""

    name: str
    type: str
    kind: ColumnKind


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryRows:
    """Rows as JSON values: decimals as numbers (text beyond 2**53 or 15 digits), dates as ISO 8601 text, bytes as
    base64 text, NaN and infinities as text.

    `total_rows` counts the whole result where that is known; `truncated_by` says which cap cut it: "rows", "bytes" or None.
    """

    columns: tuple[ResultColumn, ...]
    rows: tuple[tuple[Json, ...], ...]
    total_rows: int | None
    truncated_by: Literal["rows", "bytes"] | None
    duration_ms: float
    executed_sql: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """How to draw the rows:

    `x` and `ys` are column names; a number has no `x`; `series` splits the lines or bars by a third column.
    """

    kind: Literal["number", "bar", "line"]
    ys: tuple[str, ...]
    x: str | None = None
    series: str | None = None
    title: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step of the pipeline as it happened.

    `input` and `output` are short summaries as JSON; times in milliseconds from the question's arrival.
    """

    name: str
    status: Literal["ok", "failed", "skipped"]
    started_ms: float
    duration_ms: float
    input: Mapping[str, Json] = field(default_factory=dict)
    output: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One try at running SQL during recovery:

    the fault it had (its class and the database's words) and what was changed for the next.
    """

    sql: str
    fault: str
    message: str
    repair: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What the user asks, checked.

    `mode` is one of single_mcp, multi_mcp, auto; `engine` forces a drafter: engine, model, or auto. `face` is where it came in.
    """

    text: str
    mode: Literal["single_mcp", "multi_mcp", "auto"] = "auto"
    session_id: str | None = None
    enable_recovery: bool = True
    engine: Literal["auto", "engine", "model"] = "auto"
    max_rows: int = 1000
    correlation_id: str = ""
    face: Literal["http", "mcp", "command"] = "command"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The end of the pipeline. `rows` None: nothing was run, because `confident` is False; then `readings` are what to
    choose from and `reason` says why.

    `understood` is the one sentence of `explanation` that says what was asked for; the rest of it stands in other fields, too.
    `sql` is what ran (or the first reading's). `degraded`: something was missing, and `missing_servers` says what.
    """

    question: str
    sql: str | None
    rows: QueryRows | None
    explanation: str
    confidence: float
    confident: bool
    source: str
    mode: Literal["single_mcp", "multi_mcp"]
    understood: str = ""
    reason: str = ""
    readings: tuple[Reading, ...] = ()
    unexplained: tuple[str, ...] = ()
    entities: tuple[ResolvedEntity, ...] = ()
    chart: Chart | None = None
    steps: tuple[Step, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    warnings: tuple[str, ...] = ()
    servers_used: tuple[str, ...] = ()
    missing_servers: tuple[str, ...] = ()
    session_id: str | None = None
    is_follow_up: bool = False
    usage: Usage | None = None

    @property
    def degraded(self) -> bool:
        return bool(self.missing_servers)

    @property
    def recovered(self) -> bool:
        """Whether the SQL that ran is not the one first drafted."""
        return self.rows is not None and bool(self.attempts)
