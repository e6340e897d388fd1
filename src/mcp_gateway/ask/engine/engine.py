"""The embedded engine: a question to readings of it, without any language model.

    tokens -> links -> sketches (grammar, beam) -> bindings -> forms -> confidence -> SQL

Pure and deterministic. What depends on the schema alone is prepared once and kept for the schemas used last.
"""

from collections import OrderedDict
from dataclasses import dataclass

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.assembly.assemble import assemble
from mcp_gateway.ask.engine.binding import bindings
from mcp_gateway.ask.engine.form import Query
from mcp_gateway.ask.engine.form_json import to_json
from mcp_gateway.ask.engine.grammar.reader import Reader, State, token_weight
from mcp_gateway.ask.engine.grammar.search import readings
from mcp_gateway.ask.engine.linking import NameIndex, index_names, link
from mcp_gateway.ask.engine.periods import times_in
from mcp_gateway.ask.engine.printing import to_sql
from mcp_gateway.ask.engine.schema_index import SchemaIndex, prepare
from mcp_gateway.ask.engine.text import tokenize
from mcp_gateway.ask.engine.value_words import implied_values
from mcp_gateway.ask.model import Draft, DraftRequest, Reading
from mcp_gateway.core.schema import DatabaseSchema

_KEPT_SCHEMAS = 16


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
        self._prepared: OrderedDict[int, tuple[DatabaseSchema, SchemaIndex, NameIndex]] = OrderedDict()

    async def draft(self, request: DraftRequest) -> Draft:
        """The best readings of the question."""
        return self.draft_now(request)

    def draft_now(self, request: DraftRequest) -> Draft:
        """The same without waiting for anything."""
        reader = self._reader(request)
        candidates = _candidates(reader)
        if not candidates:
            return Draft(source=self.name, readings=(), confident=False, reason="nothing in the question names the data")
        best = candidates[0]
        made = tuple(
            Reading(
                sql=to_sql(c.query, request.schema.dialect, request.now), description="", confidence=0.5, form=to_json(c.query)
            )
            for c in candidates[:5]
        )
        words = tuple(reader.tokens[position].text for position in best.state.unexplained)
        return Draft(source=self.name, readings=made, confident=made[0].confidence >= self._threshold, unexplained=words)

    def _reader(self, request: DraftRequest) -> Reader:
        schema, names = self._index(request.schema)
        tokens = tokenize(request.question)
        links = link(tokens, names, request.values, implied_values(tokens, schema))
        linked = {
            n
            for many in (links.columns, links.tables, links.values)
            for found in many.values()
            for m in found
            for n in range(m.start, m.end)
        }
        weights = tuple(token_weight(token, known=n in linked, first=n == 0) for n, token in enumerate(tokens))
        return Reader(tokens, links, schema, names, times_in(request.question, tokens, request.now), weights)

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


def _candidates(reader: Reader) -> list[Candidate]:
    """Different forms, best first."""
    found: dict[Query, Candidate] = {}
    for state in readings(reader):
        for binding in bindings(reader, state.sketch):
            query = assemble(reader, state.sketch, binding)
            if query is None:
                continue
            score = state.score + binding.score
            if query not in found or found[query].score < score:
                found[query] = Candidate(query, state, score)
    return sorted(found.values(), key=lambda candidate: -candidate.score)
