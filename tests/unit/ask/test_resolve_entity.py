"""The specification's lookup of one entity in everything the servers offer."""

import pytest
import structlog

from mcp_gateway.ask.gather_all import ServerResources
from mcp_gateway.ask.resolve_entity import resolve_entity
from mcp_gateway.core.errors import Json


def server(name: str, priority: int, domains: tuple[str, ...], **resources: Json) -> ServerResources:
    return ServerResources(server=name, priority=priority, domains=domains, capabilities=(), resources=resources)


WAND: dict[str, Json] = {"id": 123, "name": "Magic Wand Pro", "aliases": ["abracadabra", "techgadget"]}
METADATA = server(
    "metadata", 1, ("products", "aliases"), product_aliases={"items": [WAND]}, mappings={"Turnover": "sales.amount"}
)
DATABASE = server("database", 10, ("products", "sales"), abracadabra={"id": 7}, orders=["a"])


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("abracadabra", "products", ("metadata", "abracadabra", 1.0)),
        ("ABRACADABRA", "product", ("metadata", "abracadabra", 1.0)),
        ("abracadabra", "sales", ("database", "abracadabra", 1.0)),
        ("magic wand pro", "products", ("metadata", "Magic Wand Pro", 1.0)),
        ("turnover", "aliases", ("metadata", "Turnover", 1.0)),
        ("orders", "products", ("database", "orders", 1.0)),
        ("abracadbra", "products", ("metadata", "abracadabra", 0.909)),
        ("ordres", "sales", ("database", "orders", 0.833)),
    ],
)
def test_the_most_trusted_server_of_the_domain_that_knows_the_name_answers(
    name: str, kind: str, found: tuple[str, str, float]
) -> None:
    entity = resolve_entity(name, kind, [DATABASE, METADATA])
    assert entity is not None
    assert (entity.server, entity.matched, entity.score) == found


def test_the_answer_has_the_shape_of_the_specification() -> None:
    entity = resolve_entity("techgadget", "products", [METADATA])
    assert entity is not None
    assert entity.to_dict() == {"server": "metadata", "entity": WAND, "priority": 1, "matched": "techgadget", "score": 1.0}


@pytest.mark.parametrize(
    ("name", "kind"), [("abracadabra", "weather"), ("nobody", "products"), ("", "products"), ("gadget", "products")]
)
def test_what_nobody_of_the_domain_knows_is_not_found(name: str, kind: str) -> None:
    assert resolve_entity(name, kind, [METADATA, DATABASE]) is None


def test_a_conflict_between_servers_is_logged() -> None:
    with structlog.testing.capture_logs() as logs:
        resolve_entity("abracadabra", "products", [DATABASE, METADATA])
    assert [(line["event"], line["chosen"], line["passed_over"]) for line in logs] == [
        ("entity_conflict", "metadata", ["database"])
    ]
