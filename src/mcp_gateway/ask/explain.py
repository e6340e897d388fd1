"""An answer in words: what was understood, what words were taken to mean, what was changed, what is missing."""

from mcp_gateway.access.data.model import ROWS_LIMITED
from mcp_gateway.ask.inquiry import Inquiry
from mcp_gateway.ask.model import QueryRows, ResolvedEntity

_MOST_ENTITIES = 6


def understood_of(inquiry: Inquiry, rows: QueryRows | None) -> str:
    """What was understood, in one sentence; where nothing was run, why."""
    return _unsure(inquiry) if rows is None else _sentence(inquiry.drafted.readings[inquiry.chosen].description)


def explain(inquiry: Inquiry, rows: QueryRows | None, warnings: tuple[str, ...]) -> str:
    """A few plain sentences. Safe to show; holds no rows."""
    draft = inquiry.drafted
    if rows is None:
        return understood_of(inquiry, rows)
    sentences = [understood_of(inquiry, rows)]
    used = draft.entities or inquiry.resolution.entities
    sentences += [_meaning(entity) for entity in used[:_MOST_ENTITIES] if _is_worth_saying(entity)]
    repairs = [attempt.repair for attempt in inquiry.attempts if attempt.fault != "value_not_found"]
    if repairs:
        sentences.append(_sentence(f"Repaired before running: {'; '.join(repairs)}"))
    return " ".join([*(sentence for sentence in sentences if sentence), *warnings])


def warnings_of(inquiry: Inquiry, rows: QueryRows | None) -> tuple[str, ...]:
    """What a reader must know before trusting the rows."""
    found = list(inquiry.notices)
    found += inquiry.query.warnings if inquiry.query and rows is not None else ()
    found += [ROWS_LIMITED] if rows is not None and _rows_are_limited(inquiry) else []
    found += inquiry.world.warnings
    found += inquiry.resolution.warnings
    if rows is not None:
        if not rows.rows:
            found.append("No rows fit the conditions.")
        elif rows.truncated_by is not None:
            total = f" of {rows.total_rows:,}" if rows.total_rows is not None else ""
            cap = "the size limit" if rows.truncated_by == "bytes" else "the row limit"
            found.append(f"Limited to {len(rows.rows):,}{total} rows by {cap}.")
    missing = (*inquiry.world.missing_servers, *inquiry.resolution.missing_servers)
    if missing:
        found.append(f"Answered without {', '.join(dict.fromkeys(missing))}, which did not answer.")
    return tuple(dict.fromkeys(found))


def _rows_are_limited(inquiry: Inquiry) -> bool:
    rights, query = inquiry.world.rights, inquiry.query
    return rights is not None and query is not None and any(rights.is_limited(name) for name in query.tables)


def reason_of(inquiry: Inquiry) -> str:
    """Why nothing was run, or why what was tried could not be; "" when there is no reason to give."""
    fault = inquiry.fault
    return f"What I made of the question cannot be run: {fault.message}" if fault else inquiry.drafted.reason


def _unsure(inquiry: Inquiry) -> str:
    draft = inquiry.drafted
    reason = reason_of(inquiry)
    parts = [_sentence(reason or "I am not sure what is meant")]
    if any(word not in reason for word in draft.unexplained):
        parts.append(f"I could make nothing of: {', '.join(draft.unexplained)}.")
    if draft.readings:
        parts.append("Choose the reading that is meant, or say it in other words.")
    return " ".join(parts)


def _is_worth_saying(entity: ResolvedEntity) -> bool:
    shown = entity.label or entity.value or entity.column or entity.table or ""
    return bool(shown) and str(shown).casefold() != entity.original_term.casefold()


def _meaning(entity: ResolvedEntity) -> str:
    meant = entity.label or entity.value or entity.column or entity.table
    return f"“{entity.original_term}” means {meant} ({entity.server})."


def _sentence(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        return ""
    return f"{stripped[0].upper()}{stripped[1:]}{'' if stripped[-1] in '.!?' else '.'}"
