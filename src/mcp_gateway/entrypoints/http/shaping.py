"""From the gateway's values to the API's shapes. Decides nothing."""

from collections.abc import Mapping
from typing import Any, Literal

from mcp_gateway.ask.model import Answer, Chart, QueryRows, ResolvedEntity, Step, Usage
from mcp_gateway.entrypoints.http.models import (
    AttemptShape,
    ChartShape,
    ColumnShape,
    EntityShape,
    JsonObject,
    QueryResult,
    ReadingShape,
    ResultsShape,
    StepShape,
    UsageShape,
)

STARTED = ":started"


def shape_answer(answer: Answer) -> QueryResult:
    """The whole answer; `metadata` repeats what the contract's first readers look for there."""
    return QueryResult(
        query=answer.question,
        sql_query=answer.sql or "",
        results=_results(answer.rows) if answer.rows else None,
        resolved_entities=[_entity(entity) for entity in answer.entities],
        explanation=answer.explanation,
        understood=answer.understood,
        recovery_performed=answer.recovered,
        confident=answer.confident,
        confidence=round(answer.confidence, 4),
        reason=answer.reason,
        readings=[
            ReadingShape(sql=reading.sql, description=reading.description, confidence=round(reading.confidence, 4))
            for reading in answer.readings
        ],
        unexplained=list(answer.unexplained),
        chart=_chart(answer.chart) if answer.chart else None,
        steps=[shape_step(step) for step in answer.steps],
        attempts=[
            AttemptShape(sql=attempt.sql, fault=attempt.fault, message=attempt.message, repair=attempt.repair)
            for attempt in answer.attempts
        ],
        warnings=list(answer.warnings),
        degraded=answer.degraded,
        source=answer.source,
        session_id=answer.session_id,
        is_follow_up=answer.is_follow_up,
        usage=_usage(answer.usage) if answer.usage else None,
        metadata=answer_metadata(answer),
    )


def answer_metadata(answer: Answer) -> JsonObject:
    """Facts about how the answer came to be."""
    return {
        "mode": answer.mode,
        "mcp_servers_used": list(answer.servers_used),
        "missing_servers": list(answer.missing_servers),
        "degraded": answer.degraded,
        "recovery_attempts": len(answer.attempts),
        "recovery_performed": answer.recovered,
        "source": answer.source,
        "session_id": answer.session_id,
    }


def shape_step(step: Step) -> StepShape:
    """A step, or the sign that one begins (its name then ends in ":started")."""
    phase: Literal["start", "end"] = "start" if step.name.endswith(STARTED) else "end"
    return StepShape(
        name=step.name.removesuffix(STARTED),
        phase=phase,
        status="running" if phase == "start" else step.status,
        started_ms=round(step.started_ms, 2),
        duration_ms=round(step.duration_ms, 2),
        input=_plain(step.input),
        output=_plain(step.output),
    )


def _results(rows: QueryRows) -> ResultsShape:
    return ResultsShape(
        columns=[ColumnShape(name=column.name, type=column.type, kind=column.kind) for column in rows.columns],
        rows=[list(row) for row in rows.rows],
        row_count=len(rows.rows),
        total_rows=rows.total_rows,
        truncated=rows.truncated_by is not None,
        truncated_by=rows.truncated_by,
        duration_ms=round(rows.duration_ms, 2),
    )


def _entity(entity: ResolvedEntity) -> EntityShape:
    return EntityShape(
        original_term=entity.original_term,
        start=entity.start,
        end=entity.end,
        kind=entity.kind,
        server=entity.server,
        priority=entity.priority,
        score=round(entity.score, 4),
        label=entity.label,
        table=entity.table,
        column=entity.column,
        value=entity.value,
        expression=entity.expression,
    )


def _chart(chart: Chart) -> ChartShape:
    return ChartShape(kind=chart.kind, x=chart.x, ys=list(chart.ys), series=chart.series, title=chart.title)


def _usage(usage: Usage) -> UsageShape:
    return UsageShape(
        model=usage.model,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        requests=usage.requests,
        cost_usd=usage.cost_usd,
    )


def _plain(facts: Mapping[str, Any]) -> JsonObject:
    return dict(facts)
