"""What is generated: its shape for the tool, and a few routers through everything. `python -m bench.routes` takes all of them."""

from pathlib import Path

import pytest
from bench.routes.checking import dies, lint, own_tests, scores, type_faults, unformatted
from bench.routes.mutants import mutants
from bench.routes.orders import all_orders, few_orders
from bench.routes.project import add, begin_project
from tests.valkey_process import ValkeyProcess

from mcp_gateway.kit.routes.errors import InvalidRouterOrder
from mcp_gateway.kit.routes.generate import generate
from mcp_gateway.kit.routes.order import RouterOrder, RouterType

LITTLE = [order for order in few_orders() if len(order.operations) == 1]


def test_formatter_linter_and_validator_find_nothing(project: Path) -> None:
    assert (unformatted(project), lint(project)) == ([], [])
    assert set(scores(project).values()) == {1.0}


def test_strict_types_find_nothing(project: Path) -> None:
    assert type_faults(project) == []


def test_small_routers_pass_their_own_tests(project: Path, valkey_process: ValkeyProcess) -> None:
    counts, failed = own_tests(project, [generate(order).tests.path for order in LITTLE], valkey_process.url)
    assert failed == []
    assert counts["passed"] > 40


def test_a_router_without_its_tenant_filter_does_not_pass(tmp_path: Path, valkey_process: ValkeyProcess) -> None:
    begin_project(tmp_path)
    made = generate(RouterOrder(router_name="things", router_type="crud", operations=("get",)))
    add(tmp_path, made)
    mutant = next(one for one in mutants(made.router.content) if one.name == "tenant filter dropped")
    (tmp_path / made.router.path).write_text(mutant.code)
    assert dies(tmp_path, made.tests.path, valkey_process.url)


def test_the_same_order_gives_the_same_files() -> None:
    for order in few_orders():
        assert generate(order) == generate(order)


def test_every_order_is_made_under_a_name_of_its_own() -> None:
    assert len({order.router_name for order in all_orders()}) == 744


def test_the_result_of_the_tool_has_the_fields_of_its_description() -> None:
    shape = generate(RouterOrder(router_name="products")).to_dict()
    assert shape["generated_files"] == {"router": "src/backend/routers/products.py", "tests": "tests/test_products.py"}
    steps = shape["next_steps"]
    assert isinstance(steps, list)
    assert "In src/backend/app.py: from backend.routers.products import router as products_router" in steps
    assert "pytest tests/test_products.py -v" in steps
    assert "uvicorn backend.app:app --app-dir src --port 8020" in steps
    for field in ("router_code", "test_code"):
        text = shape[field]
        assert isinstance(text, str)
        compile(text, field, "exec")


@pytest.mark.parametrize(
    ("order", "parameter"),
    [
        (RouterOrder(router_name="products", router_type="magic"), "router_type"),
        (RouterOrder(router_name="products", operations=()), "operations"),
        (RouterOrder(router_name="products", operations=("list", "list")), "operations"),
        (RouterOrder(router_name="products", operations=("drop",)), "operations"),
        (RouterOrder(router_name="products", package="../etc"), "package"),
        (RouterOrder(router_name="class"), "router_name"),
    ],
)
def test_an_order_that_cannot_be_made_names_its_parameter(order: RouterOrder, parameter: str) -> None:
    with pytest.raises(InvalidRouterOrder) as refused:
        generate(order)
    assert refused.value.data["parameter"] == parameter


@pytest.mark.parametrize(
    ("router_type", "operations", "note"),
    [
        ("streaming", ("list",), "Streams are never kept"),
        ("crud", ("create",), "Nothing is read"),
        ("webhook", ("list",), "nothing is ever delivered"),
    ],
)
def test_what_an_order_does_not_get_is_said(router_type: RouterType, operations: tuple[str, ...], note: str) -> None:
    notes = generate(RouterOrder(router_name="products", router_type=router_type, operations=operations)).notes
    assert any(note in one for one in notes)
