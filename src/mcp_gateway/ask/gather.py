"""The step "gather": what all servers know about the data, fetched at the same time and merged by priority.

`mode` decides what a missing server means: multi_mcp is all or nothing, single_mcp needs the database's server alone, auto goes
on without any other and says so, unless `fail_fast` makes it strict. Which copies may be used is `resource_cache.py`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import structlog

from mcp_gateway.ask.documents import SCHEMA_URIS, VOCABULARY_URIS, Documents, Remembered
from mcp_gateway.ask.merge_vocabulary import merge_vocabularies
from mcp_gateway.ask.ports import Gathered, ResourceContent, ResourceListing, VocabularySource
from mcp_gateway.ask.resource_cache import Had
from mcp_gateway.ask.servers import Member, Servers
from mcp_gateway.ask.together import all_of, error_or
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Vocabulary

Mode: TypeAlias = Literal["single_mcp", "multi_mcp", "auto"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Visit:
    """What one server gave for a question."""

    member: Member
    schema: DatabaseSchema | None
    vocabulary: Vocabulary | None
    fetched: int
    reused: int


class ResourceGatherer:
    """Implements `ask.ports.Gatherer`."""

    def __init__(self, servers: Servers, clock: Clock) -> None:
        self._servers, self._clock = servers, clock
        self._documents = Documents()
        self._merged: Remembered[tuple[tuple[VocabularySource, ...], Vocabulary]] = Remembered()
        # What each server gave last time: asked for at the same time as its list, which then only confirms it.
        self._expected: dict[str, tuple[str, ...]] = {}

    async def gather(self, mode: Mode) -> Gathered:
        start = self._clock.monotonic()
        database = self._servers.database
        wanted = (database,) if mode == "single_mcp" else self._servers.members
        strict = mode == "multi_mcp" or self._servers.orchestration.fail_fast
        results = await asyncio.gather(*(self._attempt(member, database) for member in wanted))
        visits = [result for result in results if isinstance(result, _Visit)]
        failures = {member: result for member, result in zip(wanted, results, strict=True) if isinstance(result, GatewayError)}
        for member, failure in failures.items():
            if strict or member is database:
                raise failure
        schema = next(visit.schema for visit in visits if visit.schema is not None)
        gathered = self._merge(visits, database, schema, missing=tuple(member.key for member in failures))
        log.info(
            "resources_gathered", mode=gathered.mode, servers=list(gathered.servers_used), missing=list(gathered.missing_servers),
            fetched=gathered.fetched, reused=gathered.reused, duration_ms=round((self._clock.monotonic() - start) * 1000, 1),
        )  # fmt: skip
        return gathered

    async def _attempt(self, member: Member, database: Member) -> _Visit | GatewayError:
        result = await error_or(self._visit(member, with_schema=member is database))
        if isinstance(result, GatewayError):
            log.warning("resources_missing", server=member.key, code=result.code)
        return result

    async def _visit(self, member: Member, *, with_schema: bool) -> _Visit:
        known = (*SCHEMA_URIS, *VOCABULARY_URIS) if with_schema else VOCABULARY_URIS
        expected = self._expected.get(member.key, ())
        await member.copies.watch(expected)
        listed, early = await _list_and_read(member, expected)
        offered = {resource.uri for resource in listed.value.resources}
        uris = tuple(uri for uri in known if uri in offered)
        if uris != expected:
            self._expected[member.key] = uris
            await member.copies.watch(uris)
        late = [uri for uri in uris if uri not in early]
        had = {**early, **dict(zip(late, await all_of([member.copies.read_resource(uri) for uri in late]), strict=True))}
        had = {uri: had[uri] for uri in uris}
        reused = sum(one.reused for one in had.values()) + listed.reused
        texts = {uri: one.value.text for uri, one in had.items()}
        words = {uri: text for uri, text in texts.items() if uri in VOCABULARY_URIS}
        tables = {uri: text for uri, text in texts.items() if uri in SCHEMA_URIS}
        return _Visit(
            member=member,
            schema=self._documents.schema(member.key, tables) if with_schema else None,
            vocabulary=self._documents.vocabulary(member.key, words) if words else None,
            fetched=len(had) + 1 - reused,
            reused=reused,
        )

    def _merge(self, visits: Sequence[_Visit], database: Member, schema: DatabaseSchema, *, missing: tuple[str, ...]) -> Gathered:
        vocabularies = [(visit.member, visit.vocabulary) for visit in visits if visit.vocabulary is not None]
        sources, vocabulary = self._merged_words(vocabularies)
        used = tuple(visit.member.key for visit in visits)
        return Gathered(
            schema=schema,
            database=database.server,
            mode="multi_mcp" if len(used) > 1 else "single_mcp",
            vocabulary=vocabulary,
            sources=sources,
            servers_used=used,
            missing_servers=missing,
            fetched=sum(visit.fetched for visit in visits),
            reused=sum(visit.reused for visit in visits),
        )

    def _merged_words(self, found: Sequence[tuple[Member, Vocabulary]]) -> tuple[tuple[VocabularySource, ...], Vocabulary]:
        """The same words give the same values back; the remembered value keeps what its key's identities stand for alive."""

        def merge() -> tuple[tuple[VocabularySource, ...], Vocabulary]:
            sources = tuple(
                VocabularySource(
                    server=member.key,
                    priority=member.config.priority,
                    domains=member.config.domains,
                    vocabulary=vocabulary,
                )
                for member, vocabulary in found
            )
            return sources, merge_vocabularies(sources) if sources else Vocabulary()

        key = tuple((member.key, member.config.priority, member.config.domains, id(vocabulary)) for member, vocabulary in found)
        return self._merged.get(key, merge)


async def _list_and_read(member: Member, expected: Sequence[str]) -> tuple[Had[ResourceListing], dict[str, Had[ResourceContent]]]:
    """The list, and at the same time what it probably names. A resource that cannot be read is left to a second try."""
    listing, contents = await asyncio.gather(
        error_or(member.copies.list_resources()),
        asyncio.gather(*(error_or(member.copies.read_resource(uri)) for uri in expected)),
    )
    if isinstance(listing, GatewayError):
        raise listing
    read = {uri: content for uri, content in zip(expected, contents, strict=True) if not isinstance(content, GatewayError)}
    return listing, read
