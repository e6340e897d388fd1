"""Who may say what a word means."""

from mcp_gateway.ask.claims import claims_of, judge
from mcp_gateway.ask.merge_vocabulary import merge_vocabularies
from mcp_gateway.ask.ports import VocabularySource
from mcp_gateway.core.vocabulary import Entity, Metric, Vocabulary


def product(value: int, *aliases: str, kind: str = "product") -> Entity:
    return Entity(kind=kind, label=f"P{value}", table="products", column="id", value=value, aliases=aliases)


def source(server: str, priority: int, *entities: Entity, domains: tuple[str, ...] = ()) -> VocabularySource:
    return VocabularySource(server=server, priority=priority, vocabulary=Vocabulary(entities=entities), domains=domains)


def chosen(word: str, *sources: VocabularySource) -> tuple[str, list[str]]:
    verdict = judge(claims_of(sources)[word])
    return verdict.standing[0].source.server, [claim.source.server for claim in verdict.passed_over]


def test_the_most_trusted_server_decides() -> None:
    assert chosen("wand", source("a", 1, product(1, "wand")), source("b", 2, product(2, "Wand"))) == ("a", ["b"])


def test_a_server_in_its_own_domain_goes_before_a_more_trusted_one_outside_its_own() -> None:
    stray = source("a", 1, product(1, "wand"), domains=("sales", "orders"))
    expert = source("b", 2, product(2, "wand"), domains=("products",))
    assert chosen("wand", stray, expert) == ("b", ["a"])


def test_the_same_meaning_twice_is_no_conflict() -> None:
    assert chosen("wand", source("a", 1, product(1, "wand")), source("b", 2, product(1, "wand"))) == ("a", [])


def test_all_meanings_of_the_chosen_server_stand() -> None:
    verdict = judge(claims_of([source("a", 1, product(1, "wand"), product(2, "wand"))])["wand"])
    assert [claim.item for claim in verdict.standing] == [product(1, "wand"), product(2, "wand")]


def test_a_word_is_taken_from_the_less_trusted_whatever_it_stands_for_there() -> None:
    metric = Metric(name="wand", aliases=("sticks",), table="sales", expression={"default": "COUNT(*)"})
    rival = VocabularySource(server="b", priority=2, vocabulary=Vocabulary(metrics=(metric,), entities=(product(3, "WAND"),)))
    merged = merge_vocabularies([source("a", 1, product(1, "wand")), rival])
    assert merged.entities == (product(1, "wand"),)
    assert merged.metrics == (metric,)


def test_a_single_vocabulary_passes_unchanged() -> None:
    only = source("a", 1, product(1, "wand"))
    assert merge_vocabularies([only]) is only.vocabulary
