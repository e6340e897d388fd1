"""Which names a router may have."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.kit.routes.errors import InvalidRouterOrder
from mcp_gateway.kit.routes.generate import generate
from mcp_gateway.kit.routes.naming import MAX_NAME, names_of, singular
from mcp_gateway.kit.routes.order import ROUTER_TYPES, RouterOrder, Surroundings

NOTHING = Surroundings()

REFUSED = [
    ("", "has a name"),
    ("class", "keyword"),
    ("match", "soft keyword"),
    ("list", "builtin"),
    ("email", "library"),
    ("nul", "Windows"),
    ("com1", "Windows"),
    ("health", "taken"),
    ("kit", "taken"),
    ("fastapi", "taken"),
    ("../etc/passwd", "path"),
    ("a/b", "path"),
    ("a\\b", "path"),
    ("..", "path"),
    ("~root", "path"),
    ("a\0b", "path"),
    ("Products", "lower case"),
    ("pro ducts", "lower case"),
    ("_products", "lower case"),
    ("products_", "lower case"),
    ("pro__ducts", "lower case"),
    ("__init__", "lower case"),
    ("2products", "lower case"),
    ("products.py", "lower case"),
    ("order-lines", "lower case"),
    ("products'; drop table", "lower case"),
    ("products\n", "lower case"),
    ("{{products}}", "lower case"),
    ("prоducts", "cyrillic small letter o"),
    ("ｐroducts", "fullwidth latin small letter p"),
    ("produ\u200bcts", "zero width space"),
    ("products\u202e", "right-to-left override"),
    ("groß", "sharp s"),
    ("test_products", "test"),
    ("products_test", "test"),
    ("a" * (MAX_NAME + 1), "characters"),
]


@pytest.mark.parametrize(("name", "why"), REFUSED)
def test_a_name_that_does_not_do_is_refused_with_its_reason(name: str, why: str) -> None:
    with pytest.raises(InvalidRouterOrder, match=why) as refused:
        names_of(name, NOTHING)
    assert refused.value.data["parameter"] == "router_name"


@pytest.mark.parametrize("name", [name for name, _ in REFUSED])
def test_the_name_a_refusal_proposes_would_do(name: str) -> None:
    with pytest.raises(InvalidRouterOrder) as refused:
        names_of(name, NOTHING)
    proposed = refused.value.hint.split("`")[1]
    assert names_of(proposed, NOTHING).module == proposed


@pytest.mark.parametrize(
    ("name", "one", "single", "path"),
    [
        ("products", "Product", "product", "products"),
        ("order_lines", "OrderLine", "order_line", "order-lines"),
        ("categories", "Category", "category", "categories"),
        ("boxes", "Box", "box", "boxes"),
        ("people", "Person", "person", "people"),
        ("news", "News", "news", "news"),
        ("analyses", "Analysis", "analysis", "analyses"),
        ("rules", "RuleItem", "rule", "rules"),
        ("paths", "PathItem", "path", "paths"),
        ("worlds", "WorldItem", "world", "worlds"),
        ("stock_2024", "Stock2024", "stock_2024", "stock-2024"),
    ],
)
def test_what_a_name_becomes(name: str, one: str, single: str, path: str) -> None:
    names = names_of(name, NOTHING)
    assert (names.one, names.single, names.path) == (one, single, path)


@pytest.mark.parametrize(
    ("modules", "prefixes", "why"),
    [
        ({"products"}, set(), "a module `products`"),
        (set(), {"/api/products"}, "is taken already"),
        (set(), {"/API/Products/"}, "is taken already"),
        ({"product"}, set(), "nobody could tell"),
        (set(), {"/api/product"}, "nobody could tell"),
    ],
)
def test_what_is_there_already_is_not_made_again(modules: set[str], prefixes: set[str], why: str) -> None:
    there = Surroundings(modules=frozenset(modules), prefixes=frozenset(prefixes))
    with pytest.raises(InvalidRouterOrder, match=why):
        names_of("products", there)


@given(st.text(alphabet="abcdeisxy_", min_size=1, max_size=12))
def test_one_of_one_is_itself(name: str) -> None:
    once = singular(name)
    assert len(once) <= len(name) + 1
    assert singular(once) is not None


# Whatever the generated files import or define would be hidden by a class of that name.
UNFORTUNATE = (
    "rules paths fields caches callers list_calls create_calls parts worlds servers sources ratings signatures receipts "
    "deliveries queries tables columns guards requests responses drafts pages upstreams clients headers kits page_sizes afters "
    "concurrency_rules depends_s second_services"
).split()


def top_level_names(code: str) -> list[str]:
    """What a module imports, defines and assigns, each as often as it does."""
    names: list[str] = []
    for node in ast.parse(code).body:
        match node:
            case ast.Import(names=imported) | ast.ImportFrom(names=imported):
                names += [alias.asname or alias.name for alias in imported]
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.append(name)
            case ast.Assign(targets=targets):
                names += [target.id for target in targets if isinstance(target, ast.Name)]
    return names


@pytest.mark.parametrize("router_type", ROUTER_TYPES)
def test_no_name_hides_what_the_files_import_or_define(router_type: str) -> None:
    for name in UNFORTUNATE:
        for file in generate(RouterOrder(router_name=name, router_type=router_type)).files:
            names = top_level_names(file.content)
            assert [one for one in names if names.count(one) > 1] == [], (name, file.path)
