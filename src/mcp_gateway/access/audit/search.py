"""Looking something up in the trail of one tenant, newest first, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from typing import Protocol

from mcp_gateway.access.audit.chain import read_row
from mcp_gateway.access.audit.model import AuditRow, DecisionWord, Outcome, StoredRow
from mcp_gateway.core.errors import InvalidInput

MAX_PAGE: int = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What fits: every field given must. None or empty asks for nothing.

    `since` (included) and `until` (excluded) are seconds since 1970. `text` is found anywhere in the canonical text of a row,
    whatever the case of ASCII letters. `before` is where the page before ended: only rows of a lower sequence.
    """

    tenant: str
    subject: str = ""
    action: str = ""
    server: str = ""
    target: str = ""
    decision: DecisionWord | None = None
    outcome: Outcome | None = None
    correlation_id: str = ""
    since: float | None = None
    until: float | None = None
    text: str = ""
    before: int | None = None
    limit: int = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Rows, newest first; `before` asks for those that follow, None when there are no more."""

    rows: tuple[AuditRow, ...]
    before: int | None


def needle(search: Search) -> str:
    """What `text` looks like in the canonical text of a row, in lower case."""
    return encode_basestring_ascii(search.text)[1:-1].lower()


class Searching(Protocol):
    """The part of a store a search needs."""

    async def search(self, search: Search) -> Sequence[StoredRow]: ...


async def find(store: Searching, search: Search) -> Page:
    """Raises `InvalidInput` for a page size that is none, `Unavailable`."""
    if not search.tenant:
        raise InvalidInput("A search of the trail names its tenant.")
    if not 1 <= search.limit <= MAX_PAGE:
        raise InvalidInput(f"A page of the trail has 1 to {MAX_PAGE} rows.", limit=search.limit)
    rows = tuple(read_row(stored) for stored in await store.search(search))
    return Page(rows=rows, before=rows[-1].sequence if len(rows) == search.limit else None)
