"""One entity by name in what all servers offer, whatever the shape of their resources: the specification's own lookup.

Looks only at servers whose domains name the type asked for, most trusted first: a resource of that name, a key inside one, or
an item that goes by it (`name`, `label`, `alias`, `aliases`). Exact before misspelt, whatever the priority; a conflict is written
to the log.
Questions are resolved by `resolve.py`, which knows the glossary's shapes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog
from rapidfuzz import process
from rapidfuzz.distance import OSA

from mcp_gateway.ask.claims import key_of
from mcp_gateway.ask.engine.text import stem_of
from mcp_gateway.ask.gather_all import ServerResources
from mcp_gateway.ask.word_index import ONE_SLIP, TWO_SLIPS
from mcp_gateway.core.errors import Json

MAX_DEPTH = 6
_NAMES = ("name", "label", "alias", "aliases", "title")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundEntity:
    """`entity` as the server has it; `matched` is the name it was found by, `score` 1 when that is the name asked for."""

    server: str
    priority: int
    matched: str
    score: float
    entity: Json

    def to_dict(self) -> dict[str, Json]:
        return {
            "server": self.server, "entity": self.entity, "priority": self.priority, "matched": self.matched, "score": self.score,
        }  # fmt: skip


def resolve_entity(entity_name: str, resource_type: str, servers: Sequence[ServerResources]) -> FoundEntity | None:
    """The entity of the most trusted server that knows it; None when none does."""
    wanted = key_of(entity_name)
    asked = [server for server in sorted(servers, key=lambda one: one.priority) if _covers(server, resource_type)]
    named = [(server, _named(server)) for server in asked]
    exact = [(server, *names[wanted]) for server, names in named if wanted in names]
    if exact:
        (server, matched, entity), *others = exact
        rivals = [other.server for other, _, different in others if different != entity]
        if rivals:
            log.info("entity_conflict", word=wanted, chosen=server.server, chosen_priority=server.priority, passed_over=rivals)
        return FoundEntity(server=server.server, priority=server.priority, matched=matched, score=1.0, entity=entity)
    slips = 2 if len(wanted) >= TWO_SLIPS else 1 if len(wanted) >= ONE_SLIP else 0
    for server, names in named if slips else ():
        near = process.extractOne(wanted, list(names), scorer=OSA.distance, score_cutoff=slips)
        if near is not None:
            matched, entity = names[near[0]]
            score = round(1 - near[1] / max(len(wanted), len(near[0])), 3)
            return FoundEntity(server=server.server, priority=server.priority, matched=matched, score=score, entity=entity)
    return None


def _covers(server: ServerResources, resource_type: str) -> bool:
    wanted = stem_of(key_of(resource_type))
    return not server.domains or any(stem_of(key_of(domain)) == wanted for domain in server.domains)


def _named(server: ServerResources) -> dict[str, tuple[str, Json]]:
    """Everything with a name, by its folded name; what comes first keeps the name."""
    found: dict[str, tuple[str, Json]] = {}
    for name, value in _walk(server.resources, 0):
        key = key_of(name)
        if key:
            found.setdefault(key, (name, value))
    return found


def _walk(values: Mapping[str, Json], depth: int) -> Iterator[tuple[str, Json]]:
    yield from values.items()
    if depth < MAX_DEPTH:
        for value in values.values():
            yield from _walk_value(value, depth + 1)


def _walk_value(value: Json, depth: int) -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict):
        for name in _names_of(value):
            yield name, value
        yield from _walk(value, depth)
    elif isinstance(value, list) and depth < MAX_DEPTH:
        for item in value:
            yield from _walk_value(item, depth + 1)


def _names_of(item: Mapping[str, Json]) -> Iterable[str]:
    for field in _NAMES:
        value = item.get(field)
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (one for one in value if isinstance(one, str))
