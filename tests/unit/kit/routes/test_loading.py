"""Who can make routers loads what makes them when the first one is made."""

import subprocess
import sys

PROGRAM = """
import sys
from mcp_gateway.kit.routes.generate import generate
from mcp_gateway.kit.routes.order import RouterOrder
heavy = {"jinja2", "libcst", "fastapi", "mcp"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
generate(RouterOrder(router_name="products"))
assert heavy & set(sys.modules) == {"jinja2"}
"""


def test_a_start_pays_for_no_templates() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
