"""The use case of the tool `generate_enterprise_router`: an order becomes files and what to do with them. Writes nothing."""

from dataclasses import dataclass
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.kit.routes.checks import checked
from mcp_gateway.kit.routes.order import READS, CheckedOrder, RouterOrder, RouterType, Surroundings
from mcp_gateway.kit.routes.rendering import command_of, router_code, test_code

NOTHING_AROUND: Final = Surroundings()
# What each type must be told by the environment besides `REDIS_URL`.
_ENVIRONMENT: Final[dict[RouterType, str]] = {
    "proxy": "{0}_URL=http://localhost:8010/{1}",
    "streaming": "{0}_URL=http://localhost:8010/{1}",
    "aggregate": "{0}_URLS=http://localhost:8010/{1},http://localhost:8011/{1}",
    "mcp": "{0}_MCP_URL=http://localhost:8000/mcp",
    "crud": "DATABASE_URL=sqlite+aiosqlite:///{1}.db",
    "webhook": "DATABASE_URL=sqlite+aiosqlite:///{1}.db {0}_SECRET=<32 bytes or more>",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratedFile:
    """`path` from the project's folder, with `/`."""

    path: str
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Generated:
    """The files of one router. `notes`: what the order asks for and does not get, and why."""

    order: CheckedOrder
    router: GeneratedFile
    tests: GeneratedFile
    features: tuple[str, ...]
    next_steps: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def files(self) -> tuple[GeneratedFile, ...]:
        return self.router, self.tests

    def to_dict(self) -> dict[str, Json]:
        """The result of the tool, as JSON."""
        return {
            "router_name": self.order.names.module,
            "router_type": self.order.router_type,
            "operations": list(self.order.operations),
            "include_rate_limiting": self.order.limited,
            "include_caching": self.order.caching,
            "router_code": self.router.content,
            "test_code": self.tests.content,
            "generated_files": {"router": self.router.path, "tests": self.tests.path},
            "command": command_of(self.order),
            "features": list(self.features),
            "next_steps": list(self.next_steps),
            "notes": list(self.notes),
        }


def generate(order: RouterOrder, surroundings: Surroundings = NOTHING_AROUND) -> Generated:
    """The same order gives the same files, byte for byte. Raises `InvalidRouterOrder`."""
    found = checked(order, surroundings)
    return Generated(
        order=found,
        router=GeneratedFile(path=found.router_path, content=router_code(found)),
        tests=GeneratedFile(path=found.test_path, content=test_code(found)),
        features=_features(found),
        next_steps=_next_steps(found),
        notes=_notes(found),
    )


def _features(order: CheckedOrder) -> tuple[str, ...]:
    return tuple(
        feature
        for feature, there in (
            ("limits per tenant and operation, shared by all replicas, told in headers", order.limited),
            ("a cache per tenant, which a write empties on every replica before it is answered", _caches(order)),
            ("tenants from what was authenticated, never from a header or the body", True),
            ("a circuit breaker shared by all replicas, and a deadline for every call", True),
            ("errors as RFC 9457 problem details, without anybody's inside", True),
            ("health, Prometheus figures, an OpenAPI description with examples and limits", True),
            ("tests on a real Valkey", True),
        )
        if there
    )


def _caches(order: CheckedOrder) -> bool:
    return order.caching and order.router_type != "streaming" and bool(set(READS) & set(order.operations))


def _notes(order: CheckedOrder) -> tuple[str, ...]:
    notes = []
    if order.caching and order.router_type == "streaming":
        notes.append("Streams are never kept, so there is no cache in it.")
    elif order.caching and not _caches(order):
        notes.append("Nothing is read by these operations, so there is no cache in it.")
    if order.router_type == "webhook" and not set(order.operations) - set(READS):
        notes.append("Without create, update or delete nothing is ever delivered.")
    return tuple(notes)


def _next_steps(order: CheckedOrder) -> tuple[str, ...]:
    names = order.names
    environment = _ENVIRONMENT[order.router_type].format(names.environment, names.path)
    return (
        f"Write the files: {command_of(order)} --write",
        f"In {order.application_path}: from {order.router_module} import router as {names.module}_router",
        f"In {order.application_path}: app.include_router({names.module}_router)",
        f"Set {environment} and REDIS_URL",
        f"pytest {order.test_path} -v",
        f"uvicorn {_application_module(order)}:app --app-dir {_import_root(order) or '.'} --port 8020",
        f'curl http://localhost:8020/api/{names.path}/ -H "Authorization: Bearer $TOKEN" -H "X-Tenant-ID: $TENANT"',
    )


def _import_root(order: CheckedOrder) -> str:
    """The folder modules are found in, below the project's; "" for the project's own."""
    return order.router_path.removesuffix(f"{order.router_module.replace('.', '/')}.py").rstrip("/")


def _application_module(order: CheckedOrder) -> str:
    root = _import_root(order)
    return order.application_path.removeprefix(f"{root}/").removesuffix(".py").replace("/", ".")
