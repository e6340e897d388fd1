"""The glossary server: what business words stand for, as resources, with a tool to look one up."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field
from typing_extensions import TypedDict

from mcp_gateway.access.data.kept import Kept
from mcp_gateway.access.data.narrow import narrow_vocabulary
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Entity, Metric, Period, Term, Vocabulary
from mcp_gateway.core.vocabulary_documents import KINDS, URI_PREFIX, item_document, to_documents
from mcp_gateway.entrypoints.mcp.changes import ChangeFeed
from mcp_gateway.entrypoints.mcp.data_view import DataView
from mcp_gateway.entrypoints.mcp.offer import Arguments, Call, OfferedResource, OfferedTool, ResourceText, ToolOutput, offer_tool
from mcp_gateway.entrypoints.mcp.server import Identity, McpFace
from mcp_gateway.glossary.current import LOOK_SECONDS, Glossary
from mcp_gateway.glossary.lookup import look_up
from mcp_gateway.glossary.model import Edition, GlossaryState

STATUS_URI = "glossary://status"
# Nobody learns of an edit later than the watcher's next look, so that is what the server can vouch for.
TTL_MS = int(LOOK_SECONDS * 1000)
# For callers who see different parts of the database.
_MOST_TEXTS = 16

IDENTITY = Identity(
    name="glossary",
    title="Glossary",
    description="What business words stand for in a database.",
    instructions=(
        "Business words and what they mean in the database: entities (other names of stored things), terms (words for tables, "
        "columns and conditions), metrics (calculations) and periods (stretches of time). Read the resources once and subscribe "
        "to them, or call lookup_term for one word. glossary://status says whether the file behind it is in order."
    ),
)
_ABOUT = {
    "entities": ("Entities", "Other names of stored things: aliases mean the rows of `table` where `column` equals `value`."),
    "terms": ("Terms", "Words for a table, a column, or a condition on a table's rows."),
    "metrics": ("Metrics", "Words for a calculation over the rows of a table, as SQL by dialect."),
    "periods": ("Periods", "Words for a stretch of time, half open, as SQL by dialect."),
}
_KIND_OF = {Entity: "entity", Term: "term", Metric: "metric", Period: "period"}


class LookUpTerm(Arguments):
    term: str = Field(min_length=1, max_length=200, description="The word or words to look up.")
    limit: int = Field(5, ge=1, le=50, description="How many meanings to return at most.")


class Meaning(TypedDict):
    kind: str
    word: str
    score: float
    item: dict[str, Any]


class Meanings(TypedDict):
    term: str
    version: str
    matches: list[Meaning]


@dataclass(frozen=True, slots=True)
class _Texts:
    """The words of one edition as one kind of caller sees them, and the documents as JSON text; made once.

    `seen` is the schema they are narrowed to, None for all of it; it and `edition` keep their identity meanwhile.
    """

    edition: Edition
    seen: DatabaseSchema | None
    vocabulary: Vocabulary
    by_uri: Mapping[str, str]


class _Words:
    """What each caller is told of the glossary; a new edition is written out when it is first asked for."""

    def __init__(self, glossary: Glossary, view: DataView | None) -> None:
        self._glossary = glossary
        self._view = view
        self._texts: Kept[_Texts] = Kept(_MOST_TEXTS)

    async def read(self, uri: str, caller: Caller) -> ResourceText:
        return ResourceText(text=(await self.texts(caller)).by_uri[uri], ttl_ms=TTL_MS)

    async def read_status(self, caller: Caller) -> ResourceText:
        status = status_of(await self._glossary.current())
        texts = await self.texts(caller)
        if texts.seen is not None:
            # A fault may quote a line about what is withheld.
            status |= {"counts": _counts(texts.vocabulary), "faults": []}
        return ResourceText(text=_json(status), ttl_ms=TTL_MS)

    async def texts(self, caller: Caller) -> _Texts:
        """The words and documents as the caller sees them."""
        edition = (await self._glossary.current()).edition
        rights = await self._view.rights(caller, "read_schema") if self._view is not None else None
        seen = rights.schema if rights is not None else None

        def make() -> _Texts:
            vocabulary = edition.vocabulary if rights is None else narrow_vocabulary(edition.vocabulary, rights)
            documents = to_documents(vocabulary, edition.version)
            return _Texts(edition, seen, vocabulary, {key: _json(document) for key, document in documents.items()})

        return self._texts.get((id(edition), id(seen)), make)


def build_glossary_server(glossary: Glossary, *, view: DataView | None = None) -> McpFace:
    """The server over an opened glossary. `view` is what callers may see of the database its words are about."""
    changes = ChangeFeed()
    words = _Words(glossary, view)

    async def announce(before: GlossaryState, after: GlossaryState) -> None:
        uris = [STATUS_URI]
        if after.edition is not before.edition:
            uris.extend(f"{URI_PREFIX}{kind}" for kind in KINDS)
        await changes.resources_changed(uris)
        for fault in after.faults[:5]:
            await changes.log("warning", f"{fault.in_words(after.file)} The last good edition stays in use.", logger="glossary")

    async def watch() -> None:
        await glossary.watch(announce)

    async def health() -> Mapping[str, Json]:
        return status_of(await glossary.current())

    return McpFace(
        identity=IDENTITY,
        tools=[_lookup_tool(words)],
        resources=_resources(glossary, words),
        changes=changes,
        watch=watch,
        health=health,
        list_ttl_ms=TTL_MS,
    )


def status_of(state: GlossaryState) -> dict[str, Json]:
    """How the file stands, as `glossary://status` and `/health` tell it."""
    vocabulary = state.edition.vocabulary
    return {
        "file": state.file,
        "version": state.edition.version,
        "in_use_since": state.since.isoformat(),
        "in_order": state.healthy,
        "counts": _counts(vocabulary),
        "faults": [fault.to_dict() for fault in state.faults],
    }


def _counts(vocabulary: Vocabulary) -> dict[str, Json]:
    return {kind: len(getattr(vocabulary, kind)) for kind in KINDS}


def _resources(glossary: Glossary, words: _Words) -> list[OfferedResource]:
    offered = [
        OfferedResource(
            uri=f"{URI_PREFIX}{kind}",
            name=kind,
            title=title,
            description=description,
            read=_reader(words, f"{URI_PREFIX}{kind}"),
            changed_at=lambda: glossary.last_state.since,
        )
        for kind, (title, description) in _ABOUT.items()
    ]
    status = OfferedResource(
        uri=STATUS_URI,
        name="status",
        title="Status of the glossary file",
        description="Whether the file is in order, and which lines are not; then the last good edition is in use.",
        read=words.read_status,
    )
    return [*offered, status]


def _reader(words: _Words, uri: str) -> Callable[[Caller], Awaitable[ResourceText]]:
    async def read(caller: Caller) -> ResourceText:
        return await words.read(uri, caller)

    return read


def _lookup_tool(words: _Words) -> OfferedTool:
    async def run(given: LookUpTerm, call: Call) -> ToolOutput:
        texts = await words.texts(call.caller)
        matches = [
            Meaning(kind=_KIND_OF[type(found.item)], word=found.word, score=round(found.score, 4), item=item_document(found.item))
            for found in look_up(texts.vocabulary, given.term, given.limit)
        ]
        return ToolOutput(structured=Meanings(term=given.term, version=texts.edition.version, matches=matches))

    return offer_tool(
        name="lookup_term",
        title="Look up a business word",
        description="What a business word means in the database: exact first, then words spelled nearly so. Empty when unknown.",
        arguments=LookUpTerm,
        returns=Meanings,
        run=run,
    )


def _json(document: Mapping[str, Json]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
