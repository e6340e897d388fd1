"""A project with routers of every type, and the application that serves two of them."""

from pathlib import Path

import pytest
from bench.routes.orders import few_orders
from bench.routes.project import add, begin_project

from mcp_gateway.kit.routes.generate import generate
from mcp_gateway.kit.routes.order import RouterOrder
from mcp_gateway.kit.routes.project import carry_out, changes


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    begin_project(root)
    for order in few_orders():
        add(root, generate(order))
    for name in ("products", "orders"):
        carry_out(root, changes(root, generate(RouterOrder(router_name=name, router_type="crud", operations=("list", "get")))))
    return root
