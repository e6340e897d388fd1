"""The last step: everything known about the question put together as its answer."""

from dataclasses import replace

from mcp_gateway.ask.chart import suggest_chart
from mcp_gateway.ask.errors import QueryNotAnswered
from mcp_gateway.ask.explain import explain, reason_of, understood_of, warnings_of
from mcp_gateway.ask.inquiry import Inquiry
from mcp_gateway.ask.model import Answer, QueryRows, ResolvedEntity
from mcp_gateway.core.errors import Json


def compose_answer(inquiry: Inquiry, *, total_rows: int | None, session_id: str) -> Answer:
    """Raises `QueryNotAnswered` when the only reading could not be run; with more readings they are offered instead."""
    rows = _counted(inquiry, total_rows)
    draft = inquiry.drafted
    others = len(draft.readings) > 1
    if inquiry.fault is not None and not others:
        raise _not_answered(inquiry)
    chosen = draft.readings[inquiry.chosen] if draft.readings else None
    sql = inquiry.query.sql if inquiry.query and rows else chosen.sql if chosen else None
    warnings = warnings_of(inquiry, rows)
    world = inquiry.world
    missing = (*world.missing_servers, *inquiry.resolution.missing_servers)
    return Answer(
        question=inquiry.question.text,
        sql=sql,
        rows=rows,
        explanation=explain(inquiry, rows, warnings),
        understood=understood_of(inquiry, rows),
        confidence=chosen.confidence if chosen else 0.0,
        confident=rows is not None,
        source=draft.source,
        mode=world.mode,
        reason=reason_of(inquiry),
        readings=draft.readings if rows is None or others else (),
        unexplained=draft.unexplained,
        entities=_entities(inquiry),
        chart=suggest_chart(rows, is_summary=inquiry.query.is_summary) if rows and inquiry.query else None,
        attempts=inquiry.attempts,
        warnings=warnings,
        servers_used=world.servers_used,
        missing_servers=tuple(dict.fromkeys(missing)),
        session_id=session_id,
        is_follow_up=draft.is_follow_up,
        usage=draft.usage,
    )


def _counted(inquiry: Inquiry, total_rows: int | None) -> QueryRows | None:
    """The rows with their true total; a limit of ours that cut them counts as truncation by rows."""
    rows, query = inquiry.rows, inquiry.query
    if rows is None or query is None or query.limit_added is None:
        return rows
    cut = len(rows.rows) >= query.limit_added and total_rows != len(rows.rows)
    return replace(rows, total_rows=total_rows, truncated_by="rows" if cut else rows.truncated_by)


def _entities(inquiry: Inquiry) -> tuple[ResolvedEntity, ...]:
    """What the drafter says it used; all that was resolved when it does not say."""
    return inquiry.drafted.entities or inquiry.resolution.entities


def _not_answered(inquiry: Inquiry) -> QueryNotAnswered:
    fault = inquiry.fault
    best = inquiry.drafted.best
    attempts: list[Json] = [
        {"sql": one.sql, "fault": one.fault, "message": one.message, "repair": one.repair} for one in inquiry.attempts
    ]
    message = fault.message if fault else "The query could not be run."
    return QueryNotAnswered(
        message,
        sql=best.sql if best else None,
        fault=fault.kind if fault else "other",
        suggestions=list(fault.suggestions) if fault else [],
        attempts=attempts,
    )
