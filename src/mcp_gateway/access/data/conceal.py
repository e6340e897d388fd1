"""What a database says of a query that was restricted, before its author may read it.

The query that ran is not the one that was written: its words may tell of columns, rows and values the caller knows nothing of.
"""

import re
from typing import Final

from mcp_gateway.access.data.model import DataRights
from mcp_gateway.core.sql.errors import QueryFailed

PLAN_WITHHELD: Final = "The plan is not shown: it would tell of what is left out by a rule of your organisation."
_SAID_LESS: Final = "The database cannot run this query."
_WORD: Final = re.compile(r"\w+")


def conceal(message: str, sql: str, rights: DataRights) -> str:
    """The database's words, or plain ones in their place when they name what neither the caller's SQL nor their schema does."""
    folded = message.casefold()
    known = set(_WORD.findall(sql.casefold()))
    said = set(_WORD.findall(folded))
    tells = any(
        (word in said and word not in known) if _WORD.fullmatch(word) else word in folded for word in rights.withheld if word
    )
    return _SAID_LESS if tells else message


def concealed(failure: QueryFailed, sql: str, rights: DataRights) -> QueryFailed:
    """The failure as its author may read it; where in the text it is cannot be said of another text."""
    message = conceal(failure.database_message, sql, rights)
    name = failure.name if message == failure.database_message else None
    return QueryFailed(message, kind=failure.kind, name=name)
