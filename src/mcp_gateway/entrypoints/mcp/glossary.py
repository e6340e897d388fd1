"""The glossary server: what business words stand for, as resources, with a tool to look one up."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field
from typing_extensions import TypedDict

from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.vocabulary import Entity, Metric, Period, Term
from mcp_gateway.core.vocabulary_documents import KINDS, URI_PREFIX, item_document, to_documents
from mcp_gateway.entrypoints.mcp.changes import ChangeFeed
from mcp_gateway.entrypoints.mcp.offer import Arguments, Call, OfferedResource, OfferedTool, ResourceText, ToolOutput, offer_tool
from mcp_gateway.entrypoints.mcp.server import Identity, McpFace
from mcp_gateway.glossary.current import LOOK_SECONDS, Glossary
from mcp_gateway.glossary.lookup import look_up
from mcp_gateway.glossary.model import Edition, GlossaryState

STATUS_URI = "glossary://status"
# Nobody learns of an edit later than the watcher's next look, so that is what the server can vouch for.
TTL_MS = int(LOOK_SECONDS * 1000)

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


@dataclass(slots=True)
class _Texts:
    """The documents of one edition as JSON text, made once."""

    edition: Edition
    by_uri: Mapping[str, str]


class _Documents:
    """The resources' texts; a new edition is written out when it is first asked for."""

    def __init__(self, glossary: Glossary) -> None:
        self._glossary = glossary
        self._texts: _Texts | None = None

    async def read(self, uri: str) -> ResourceText:
        edition = (await self._glossary.current()).edition
        if self._texts is None or self._texts.edition is not edition:
            documents = to_documents(edition.vocabulary, edition.version)
            self._texts = _Texts(edition=edition, by_uri={key: _json(document) for key, document in documents.items()})
        return ResourceText(text=self._texts.by_uri[uri], ttl_ms=TTL_MS)

    async def read_status(self, _: Caller) -> ResourceText:
        return ResourceText(text=_json(status_of(await self._glossary.current())), ttl_ms=TTL_MS)


def build_glossary_server(glossary: Glossary) -> McpFace:
    """The server over an opened glossary."""
    changes = ChangeFeed()
    documents = _Documents(glossary)

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
        tools=[_lookup_tool(glossary)],
        resources=_resources(glossary, documents),
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
        "counts": {kind: len(getattr(vocabulary, kind)) for kind in KINDS},
        "faults": [fault.to_dict() for fault in state.faults],
    }


def _resources(glossary: Glossary, documents: _Documents) -> list[OfferedResource]:
    offered = [
        OfferedResource(
            uri=f"{URI_PREFIX}{kind}",
            name=kind,
            title=title,
            description=description,
            read=_reader(documents, f"{URI_PREFIX}{kind}"),
            changed_at=lambda: glossary.last_state.since,
        )
        for kind, (title, description) in _ABOUT.items()
    ]
    status = OfferedResource(
        uri=STATUS_URI,
        name="status",
        title="Status of the glossary file",
        description="Whether the file is in order, and which lines are not; then the last good edition is in use.",
        read=documents.read_status,
    )
    return [*offered, status]


def _reader(documents: _Documents, uri: str) -> Callable[[Caller], Awaitable[ResourceText]]:
    async def read(_: Caller) -> ResourceText:
        return await documents.read(uri)

    return read


def _lookup_tool(glossary: Glossary) -> OfferedTool:
    async def run(given: LookUpTerm, _: Call) -> ToolOutput:
        edition = (await glossary.current()).edition
        matches = [
            Meaning(kind=_KIND_OF[type(found.item)], word=found.word, score=round(found.score, 4), item=item_document(found.item))
            for found in look_up(edition.vocabulary, given.term, given.limit)
        ]
        return ToolOutput(structured=Meanings(term=given.term, version=edition.version, matches=matches))

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
