"""The step that turns the question into SQL.

SQL typed by the user is taken as it is; else the engine drafts, and a language model where the engine is unsure and one is
configured.
"""

import re
from dataclasses import replace

import structlog

from mcp_gateway.ask.errors import ModelNotConfigured
from mcp_gateway.ask.inquiry import Inquiry
from mcp_gateway.ask.model import Draft, DraftRequest, Reading
from mcp_gateway.ask.ports import Drafter
from mcp_gateway.ask.trace import Note
from mcp_gateway.core.errors import Json, SQLGenerationError

_log = structlog.get_logger(__name__)
_MOST_READINGS = 5
_WORD = re.compile(r"\w+")
# The engine's time grows faster than the question, and nobody else is served meanwhile; real questions have a tenth of this.
_MOST_WORDS = 150
_TOO_MANY_WORDS = Draft(
    source="engine",
    readings=(),
    confident=False,
    reason=f"the question has more than {_MOST_WORDS} words; ask one thing in a sentence or two",
)


class DraftStep:
    """`model` None: no language model is configured, which is a fine way to live."""

    name = "draft"

    def __init__(self, engine: Drafter, model: Drafter | None = None) -> None:
        self._engine = engine
        self._model = model

    async def __call__(self, inquiry: Inquiry, note: Note) -> Inquiry:
        question = inquiry.question
        draft = _as_typed(inquiry.typed_sql) if inquiry.typed_sql else await self._draft(inquiry)
        note.input = {
            "question": question.text,
            "engine": question.engine,
            "tables": len(inquiry.world.schema.tables),
            "values": len(inquiry.resolution.values),
            "entities": len(inquiry.resolution.entities),
            "earlier_turns": len(inquiry.history),
        }
        note.output = _summary(draft)
        return replace(inquiry, draft=draft)

    async def _draft(self, inquiry: Inquiry) -> Draft:
        request = DraftRequest(
            question=inquiry.question.text,
            schema=inquiry.world.schema,
            now=inquiry.now,
            vocabulary=inquiry.world.vocabulary,
            values=inquiry.resolution.values,
            entities=inquiry.resolution.entities,
            history=inquiry.history,
            max_rows=inquiry.question.max_rows,
        )
        if inquiry.question.engine == "model":
            if self._model is None:
                raise ModelNotConfigured
            return await self._model.draft(request)
        draft = await self._engine.draft(request) if _is_one_question(request.question) else _TOO_MANY_WORDS
        if draft.confident or self._model is None or inquiry.question.engine == "engine":
            return draft
        return await self._second_opinion(self._model, request, draft)

    async def _second_opinion(self, model: Drafter, request: DraftRequest, draft: Draft) -> Draft:
        """The model's draft when it is sure; else the engine's, with the model's readings behind its own."""
        try:
            second = await model.draft(request)
        except SQLGenerationError as error:
            _log.warning("model_failed", model=model.name, code=error.code)
            return replace(draft, reason=f"{draft.reason} The language model could not help: {error.message}".strip())
        if second.confident and second.best is not None:
            return second
        readings = tuple({reading.sql: reading for reading in (*draft.readings, *second.readings)}.values())
        return replace(draft, readings=readings[:_MOST_READINGS], usage=second.usage)


def _is_one_question(text: str) -> bool:
    return len(_WORD.findall(text)) <= _MOST_WORDS


def _as_typed(sql: str) -> Draft:
    """SQL the user wrote is its own and only reading."""
    return Draft(source="typed", readings=(Reading(sql=sql, description="The SQL as typed.", confidence=1.0),), confident=True)


def _summary(draft: Draft) -> dict[str, Json]:
    best = draft.best
    summary: dict[str, Json] = {
        "source": draft.source,
        "sql": best.sql if best else None,
        "confidence": round(best.confidence, 3) if best else 0.0,
        "confident": draft.confident,
        "readings": len(draft.readings),
        "unexplained": list(draft.unexplained),
        "follow_up": draft.is_follow_up,
    }
    if draft.usage is not None:
        summary["model"] = draft.usage.model
        summary["input_tokens"] = draft.usage.input_tokens
        summary["output_tokens"] = draft.usage.output_tokens
        summary["cost_usd"] = draft.usage.cost_usd
    return summary
