"""The embedded engine: a question to readings of it, without any language model.

    tokens -> links -> sketches (grammar, beam) -> bindings -> forms -> confidence -> SQL

Pure and deterministic. What depends on the schema alone is prepared once and kept for the schemas used last.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.arithmetic import calculated
from mcp_gateway.ask.engine.assembly.assemble import assemble
from mcp_gateway.ask.engine.averages import average_over_groups
from mcp_gateway.ask.engine.beyond import reason_beyond
from mcp_gateway.ask.engine.binding import bindings
from mcp_gateway.ask.engine.business_words import Words, business_links, prepare_words
from mcp_gateway.ask.engine.comparisons import compare_periods
from mcp_gateway.ask.engine.confidence import confidence, counts_itself, is_amiss, shows_nobody, signals_of, unused_words
from mcp_gateway.ask.engine.derived_words import with_derived
from mcp_gateway.ask.engine.describe import describe
from mcp_gateway.ask.engine.followup import continue_from
from mcp_gateway.ask.engine.followup_hints import continue_from_hints, hints_back
from mcp_gateway.ask.engine.form import Query
from mcp_gateway.ask.engine.form_json import likelihood_of, to_json
from mcp_gateway.ask.engine.grammar.reader import Reader, State, token_weight
from mcp_gateway.ask.engine.grammar.search import readings
from mcp_gateway.ask.engine.linking import link
from mcp_gateway.ask.engine.name_index import NameIndex, index_names
from mcp_gateway.ask.engine.people_links import with_events_linked, with_people_linked
from mcp_gateway.ask.engine.periods import FoundPeriod, times_in
from mcp_gateway.ask.engine.presentation import present
from mcp_gateway.ask.engine.printing import to_sql
from mcp_gateway.ask.engine.read_alone import Made, StandAlone
from mcp_gateway.ask.engine.role_links import with_roles_linked
from mcp_gateway.ask.engine.schema_index import SchemaIndex, prepare
from mcp_gateway.ask.engine.shares import share_of_whole
from mcp_gateway.ask.engine.text import Token, tokenize
from mcp_gateway.ask.engine.trade_questions import in_trade_words
from mcp_gateway.ask.engine.value_words import implied_values
from mcp_gateway.ask.engine.wordings import put_by_role, put_plainly
from mcp_gateway.ask.engine.zero_groups import groups_of_nothing
from mcp_gateway.ask.model import Draft, DraftRequest, Reading
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Vocabulary

_KEPT_SCHEMAS = 16
_READINGS = 5
_READINGS_WHEN_SURE = 3
_LOOKED_AT = 12
_COPULAS = frozenset({"is", "are", "was", "were", "be", "been"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A form with the reading it came from."""

    query: Query
    state: State
    score: float


class EmbeddedEngine:
    """A `Drafter` that needs nothing but the request. `threshold` is the confidence below which it does not answer."""

    name = "engine"

    def __init__(self, threshold: float = scoring.THRESHOLD) -> None:
        self._threshold = threshold
        self._vocabularies: OrderedDict[int, tuple[Vocabulary, Words]] = OrderedDict()
        self._derived: OrderedDict[tuple[int, int], tuple[Vocabulary, DatabaseSchema, Vocabulary]] = OrderedDict()
        self._prepared: OrderedDict[int, tuple[DatabaseSchema, SchemaIndex, NameIndex]] = OrderedDict()

    async def draft(self, request: DraftRequest) -> Draft:
        """The best readings of the question."""
        return self.draft_now(request)

    def draft_now(self, request: DraftRequest) -> Draft:
        """The same without waiting for anything."""
        request = self._enriched(request)
        request = put_plainly(in_trade_words(request, self._index(request.schema)[0]))
        beyond = reason_beyond(request.question)
        if beyond is not None:
            return Draft(source=self.name, readings=(), confident=False, reason=beyond)
        followed = continue_from(request, self._index(request.schema)[0], self._read_alone) if request.history else None
        if request.history and (followed is None or followed.query is None) and (followed or hints_back(request.question)):
            index = self._index(request.schema)[0]
            followed = continue_from_hints(request, index, self._read_alone) or self._guess(request, followed)
        if followed is not None:
            # No surer than what it builds on.
            sure = min(followed.confidence, likelihood_of(request.history[-1].form))
            return self._drafted(request, replace(followed, confidence=sure), is_follow_up=True)
        for whole in (groups_of_nothing, calculated, compare_periods, share_of_whole, average_over_groups):
            in_parts = whole(request, self._index(request.schema)[0], self._read_alone)
            if in_parts is not None:
                return self._drafted(request, in_parts if in_parts.query is not None else self._guess(request, in_parts))
        reader = self._reader(request)
        candidates = _candidates(reader)
        if not candidates:
            return Draft(source=self.name, readings=(), confident=False, reason="nothing in the question names the data")
        best = candidates[0]
        first = self._reading(reader, request, candidates, 0)
        confident = first.confidence >= self._threshold
        made = (first, *self._others(reader, request, candidates, first))
        words = tuple(reader.tokens[position].text for position in unused_words(reader, best.state))
        return Draft(
            source=self.name, readings=made, confident=confident, unexplained=words, reason="" if confident else _reason(words)
        )

    def _guess(self, request: DraftRequest, failed: Made | None) -> Made:
        """What the question would mean by itself, to choose or correct, never to answer with."""
        alone = self._read_alone(replace(request, history=()))
        unexplained = failed.unexplained if failed is not None else alone.unexplained if alone is not None else ()
        if alone is None:
            return Made(query=None, unexplained=unexplained)
        return Made(query=alone.query, confidence=min(alone.confidence, scoring.GUESS), unexplained=unexplained)

    def _read_alone(self, request: DraftRequest) -> StandAlone | None:
        reader = self._reader(request)
        candidates = _candidates(reader)
        if not candidates:
            return None
        words = tuple(reader.tokens[position].text for position in unused_words(reader, candidates[0].state))
        likely = self._reading(reader, request, candidates, 0).confidence
        return StandAlone(query=candidates[0].query, confidence=likely, unexplained=words)

    def _drafted(self, request: DraftRequest, made: Made, *, is_follow_up: bool = False) -> Draft:
        """The draft of a question that was read in parts."""
        if made.query is None:
            reason = _reason(made.unexplained)
            return Draft(
                source=self.name,
                readings=(),
                confident=False,
                unexplained=made.unexplained,
                reason=reason,
                is_follow_up=is_follow_up,
            )
        reading = Reading(
            sql=self._sql(made.query, request),
            description=describe(made.query),
            confidence=made.confidence,
            form=to_json(made.query, made.confidence),
        )
        confident = reading.confidence >= self._threshold
        return Draft(
            source=self.name,
            readings=(reading,),
            confident=confident,
            unexplained=() if confident else made.unexplained,
            reason="" if confident else _reason(made.unexplained),
            is_follow_up=is_follow_up,
        )

    def _others(self, reader: Reader, request: DraftRequest, candidates: list[Candidate], first: Reading) -> list[Reading]:
        """What else may be meant, likeliest first: nothing that says the same, or leaves more of the question out."""
        left = len(unused_words(reader, candidates[0].state))
        shown = _READINGS_WHEN_SURE if first.confidence >= self._threshold else _READINGS
        found = {first.description: first}
        for place, candidate in enumerate(candidates[:_LOOKED_AT]):
            if len(found) == shown:
                break
            if place == 0 or len(unused_words(reader, candidate.state)) > left or is_amiss(reader, candidate.query):
                continue
            reading = self._reading(reader, request, candidates, place)
            if reading.confidence >= scoring.WORTH_OFFERING:
                found.setdefault(reading.description, replace(reading, confidence=min(reading.confidence, first.confidence)))
        return sorted(list(found.values())[1:], key=lambda reading: -reading.confidence)

    def _reading(self, reader: Reader, request: DraftRequest, candidates: list[Candidate], place: int) -> Reading:
        candidate = candidates[place]
        next_best = candidates[place + 1].score if place + 1 < len(candidates) else candidate.score - 1.0
        signals = signals_of(reader, candidate.state, candidate.query, lead=candidate.score - next_best, score=candidate.score)
        likely = confidence(signals) if place == 0 else confidence(signals) * exp(candidate.score - candidates[0].score) * 0.5
        return Reading(
            sql=self._sql(candidate.query, request),
            description=describe(candidate.query),
            confidence=round(likely, 3),
            form=to_json(candidate.query, likely),
        )

    def _sql(self, query: Query, request: DraftRequest) -> str:
        return to_sql(present(query, self._index(request.schema)[0]), request.schema.dialect, request.now)

    def _reader(self, request: DraftRequest) -> Reader:
        schema, names = self._index(request.schema)
        request = put_by_role(request) if schema.roles else request
        tokens = tokenize(request.question)
        business = business_links(tokens, self._words(request.vocabulary), request.schema, request.entities)
        links = link(tokens, names, request.values, business, implied_values(tokens, schema))
        links = with_people_linked(tokens, with_roles_linked(tokens, links, schema.roles), schema)
        links = with_events_linked(tokens, links, schema)
        linked = {
            n
            for many in (links.columns, links.tables, links.values, links.metrics, links.given)
            for found in many.values()
            for m in found
            for n in range(m.start, m.end)
        }
        times = times_in(request.question, tokens, request.now)
        for start, named in business.periods.items():
            times.periods[start] = tuple(FoundPeriod(p.start, p.end, None, None, p.name, True, p.first, p.last) for p in named)
        weights = tuple(
            0.0 if n in business.used else token_weight(token, known=n in linked, first=n == 0, asked=_says_what_it_is(tokens, n))
            for n, token in enumerate(tokens)
        )
        return Reader(tokens, links, schema, names, times, weights, request.now.date())

    def _enriched(self, request: DraftRequest) -> DraftRequest:
        """The request with the figures its tables imply."""
        key = (id(request.vocabulary), id(request.schema))
        known = self._derived.get(key)
        if known is None or known[0] is not request.vocabulary or known[1] is not request.schema:
            more = with_derived(request.vocabulary, self._index(request.schema)[0])
            known = (request.vocabulary, request.schema, more)
            self._derived[key] = known
            while len(self._derived) > _KEPT_SCHEMAS:
                self._derived.popitem(last=False)
        self._derived.move_to_end(key)
        return request if known[2] is request.vocabulary else replace(request, vocabulary=known[2])

    def _words(self, vocabulary: Vocabulary) -> Words:
        key = id(vocabulary)
        known = self._vocabularies.get(key)
        if known is None or known[0] is not vocabulary:
            known = (vocabulary, prepare_words(vocabulary))
            self._vocabularies[key] = known
            while len(self._vocabularies) > _KEPT_SCHEMAS:
                self._vocabularies.popitem(last=False)
        self._vocabularies.move_to_end(key)
        return known[1]

    def _index(self, schema: DatabaseSchema) -> tuple[SchemaIndex, NameIndex]:
        key = id(schema)
        known = self._prepared.get(key)
        if known is None or known[0] is not schema:
            index = prepare(schema)
            known = (schema, index, index_names(index))
            self._prepared[key] = known
            while len(self._prepared) > _KEPT_SCHEMAS:
                self._prepared.popitem(last=False)
        self._prepared.move_to_end(key)
        return known[1], known[2]


def _says_what_it_is(tokens: Sequence[Token], place: int) -> bool:
    """Whether a word stands where a quality is asked for or told: "how satisfied", "are married"."""
    before = tokens[place - 1].low if place else ""
    follower = tokens[place + 1] if place + 1 < len(tokens) else None
    last = follower is None or (follower.kind == "mark" and place + 2 >= len(tokens))
    return before == "how" or (before in _COPULAS and last)


def _reason(words: tuple[str, ...]) -> str:
    if words:
        return f"I could not use {', '.join(repr(word) for word in words)}."
    return "The question can be read in several ways."


def _candidates(reader: Reader) -> list[Candidate]:
    """Different forms, best first."""
    found: dict[Query, Candidate] = {}
    for state in readings(reader):
        for binding in bindings(reader, state.sketch):
            query = assemble(reader, state.sketch, binding)
            if query is None:
                continue
            score = state.score + binding.score - (scoring.COUNTS_ITSELF if counts_itself(query, reader.schema) else 0.0)
            score -= scoring.SHOWS_NOBODY if shows_nobody(reader, query) else 0.0
            if query not in found or found[query].score < score:
                found[query] = Candidate(query, state, score)
    return sorted(found.values(), key=lambda candidate: -candidate.score)
