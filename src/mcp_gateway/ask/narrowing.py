"""What was gathered, as one caller sees it: without the tables, columns and words withheld from them.

The same rights give the very same values back, so that whatever is prepared per schema and vocabulary stays prepared; and callers
with other rights get other values, so that nothing kept for one of them is ever found by another.
"""

from dataclasses import dataclass, replace

from mcp_gateway.access.data.kept import Kept
from mcp_gateway.access.data.model import DataRights
from mcp_gateway.access.data.narrow import narrow_vocabulary
from mcp_gateway.access.policy.model import Action
from mcp_gateway.ask.ports import DataPolicy, Gathered, VocabularySource
from mcp_gateway.ask.seen_database import Executable, SeenDatabase
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Vocabulary

_MOST_WORDS = 64
_MOST_QUERIES = 512


class EverythingSeen:
    """Implements `ask.ports.DataPolicy` where nobody is kept from anything."""

    def rights(self, caller: Caller, action: Action, schema: DatabaseSchema, *, server: str = "") -> DataRights | None:
        del caller, action, schema, server
        return None


@dataclass(frozen=True, slots=True)
class _Words:
    """`whole` are the vocabulary and sources they were made from, kept alive with their identity, and the schema beside."""

    vocabulary: Vocabulary
    sources: tuple[VocabularySource, ...]
    whole: tuple[object, ...]


class Narrowing:
    """Narrows for any caller, and remembers what it made."""

    def __init__(self, policy: DataPolicy) -> None:
        self._policy = policy
        self._words: Kept[_Words] = Kept(_MOST_WORDS)
        self._made: Kept[Executable] = Kept(_MOST_QUERIES)

    def for_caller(self, gathered: Gathered, caller: Caller, action: Action) -> Gathered:
        """The very value given where nothing is withheld. Raises `NotAllowed` when the caller may not do this at all."""
        rights = self._policy.rights(caller, action, gathered.schema, server=gathered.database.name)
        if rights is None:
            return gathered
        words = self._narrowed(gathered, rights)
        return replace(
            gathered,
            schema=rights.schema,
            database=SeenDatabase(gathered.database, rights, self._made),
            vocabulary=words.vocabulary,
            sources=words.sources,
            rights=rights,
        )

    def _narrowed(self, gathered: Gathered, rights: DataRights) -> _Words:
        """By the schema that is seen, which all callers of one role share."""

        def make() -> _Words:
            sources = tuple(
                replace(source, vocabulary=narrow_vocabulary(source.vocabulary, rights)) for source in gathered.sources
            )
            whole = (gathered.vocabulary, gathered.sources, rights.schema)
            return _Words(narrow_vocabulary(gathered.vocabulary, rights), sources, whole)

        return self._words.get((id(gathered.vocabulary), id(gathered.sources), id(rights.schema)), make)
