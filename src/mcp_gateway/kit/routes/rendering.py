"""What a checked order says to the templates, and their text finished to a file."""

from collections.abc import Mapping, Sequence
from importlib import import_module

from mcp_gateway.kit.routes.fingerprints import sealed
from mcp_gateway.kit.routes.imports import with_imports
from mcp_gateway.kit.routes.layout import laid_out
from mcp_gateway.kit.routes.order import READS, CheckedOrder, Layout


def router_code(order: CheckedOrder) -> str:
    """The router's module."""
    facts = _facts(order)
    body = _rendered(f"{order.router_type}.py", facts)
    head = _rendered(f"{order.router_type}.head", facts)
    return _finished(order, head, body)


def test_code(order: CheckedOrder) -> str:
    """The module with its tests."""
    facts = _facts(order)
    body = _rendered(f"{order.router_type}_tests.py", facts)
    head = _rendered("tests.head", facts)
    own = f"from {order.package}.routers import {order.names.module} as module"
    return _finished(order, head, body, own=own)


def project_settings(layout: Layout) -> str:
    """A pyproject.toml to begin with: tests find the package where it is not installed."""
    return f'[tool.pytest.ini_options]\npythonpath = ["{layout.source.rstrip("/") or "."}"]\n'


def application_code(package: str) -> str:
    """An application to begin with, where there is none."""
    return _rendered("app.py", {"package": package})


def command_of(order: CheckedOrder) -> str:
    """The command line that makes this router."""
    options = f"--type {order.router_type} --operations {','.join(order.operations)}"
    options += "" if order.limited else " --no-rate-limiting"
    options += "" if order.caching else " --no-caching"
    options += "" if order.package == "backend" else f" --package {order.package}"
    return f"mcp-gateway routes new {order.names.module} {options}"


def _finished(order: CheckedOrder, head: str, body: str, *, own: str = "") -> str:
    made_by = f"# Made by `mcp-gateway routes new {order.names.module}`; yours from now on.\n"
    return sealed(made_by + laid_out(with_imports(head.strip("\n") + "\n\n", body, own=own)))


def _facts(order: CheckedOrder) -> dict[str, object]:
    names, operations = order.names, order.operations
    reads = [one for one in operations if one in READS]
    writes = [one for one in operations if one not in READS]
    kind = order.router_type
    guarded = (*reads, *(["deliver"] if writes else [])) if kind == "webhook" else operations
    named = bool({"get", "update", "delete"} & set(guarded))
    answers = kind == "webhook" or operations != ("delete",)
    cached = order.caching and bool(reads) and order.router_type != "streaming"
    return {
        "name": names.module,
        "one": names.one,
        "single": names.single,
        "path": names.path,
        "slug": names.module,
        "words": names.words,
        "env": names.environment,
        "package": order.package,
        "operations": operations,
        "reads": reads,
        "writes": writes,
        "kind": kind,
        "guarded": guarded,
        "guarded_tuple": _tuple_of(guarded),
        "kinds": ", ".join(f'"{one}d"' for one in writes),
        "keyed": kind not in {"streaming", "webhook"},
        "guarded_writes": [one for one in guarded if one not in READS],
        "needs_pattern": named or (kind != "streaming" and answers),
        "streams": [one for one in operations if one != "delete"] if kind == "streaming" else [],
        "limited": order.limited,
        "cached": cached,
        "invalidates": cached and bool(writes),
        "named_routes": named,
        "writes_body": bool({"create", "update"} & set(guarded)),
        "parsed": operations != ("delete",),
        "answers": answers,
        "command": command_of(order),
    }


def _tuple_of(words: Sequence[str]) -> str:
    names = ", ".join(f'"{one}"' for one in words)
    return f"({names},)" if len(words) == 1 else f"({names})"


def _rendered(name: str, facts: Mapping[str, object]) -> str:
    text: str = import_module("mcp_gateway.kit.routes.templating").rendered(name, facts)  # by name: Jinja slows every start
    return text
