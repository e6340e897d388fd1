"""Drafts kept for questions asked again: the same request to a pure drafter has the same draft, so it need not be made twice.

A request is the same when its words, what was found in them, the day, and the very schema and vocabulary are. Follow-ups are
not kept, nor are drafts in which the time of day stands.
"""

import re
from dataclasses import dataclass

from mcp_gateway.ask.documents import Remembered
from mcp_gateway.ask.model import Draft, DraftRequest
from mcp_gateway.ask.ports import Drafter
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Vocabulary

KEPT_DRAFTS = 512
# Longer questions are pasted rather than asked again, and would take most of the memory.
_MOST_CHARS = 500
_NAMES_TIME = re.compile(r"hour|minute|second|moment|now\b|o'?clock|\d\s*[ap]\.?m\b|\d:\d", re.IGNORECASE)
# Any but midnight, which stands for a day.
_HOLDS_TIME = re.compile(r"(?<!\d)(?!00:00(?::00)?(?!\d))\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class _Kept:
    """`schema` and `vocabulary` are kept alive, so that nothing else takes over their identities."""

    draft: Draft
    schema: DatabaseSchema
    vocabulary: Vocabulary


class RememberedDrafts:
    """A `Drafter` before one that is pure: deterministic, asking nobody, knowing nothing but the request."""

    def __init__(self, drafter: Drafter) -> None:
        self._drafter = drafter
        self._drafts: Remembered[_Kept] = Remembered(KEPT_DRAFTS)

    @property
    def name(self) -> str:
        return self._drafter.name

    async def draft(self, request: DraftRequest) -> Draft:
        """Raises as the drafter behind does."""
        if request.history or len(request.question) > _MOST_CHARS or _NAMES_TIME.search(request.question):
            return await self._drafter.draft(request)
        key = (
            request.question, request.now.date(), request.now.utcoffset(), id(request.schema), id(request.vocabulary),
            request.values, request.entities, request.max_rows,
        )  # fmt: skip
        kept = self._drafts.find(key)
        if kept is not None:
            return kept.draft
        draft = await self._drafter.draft(request)
        if not any(_HOLDS_TIME.search(reading.sql) for reading in draft.readings):
            self._drafts.keep(key, _Kept(draft, request.schema, request.vocabulary))
        return draft
