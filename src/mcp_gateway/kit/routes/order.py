"""What can be ordered: values, and the defaults of the tool `generate_enterprise_router`."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

RouterType: TypeAlias = Literal["proxy", "crud", "aggregate", "webhook", "streaming", "mcp"]
Operation: TypeAlias = Literal["list", "create", "get", "update", "delete"]

ROUTER_TYPES: Final[tuple[RouterType, ...]] = get_args(RouterType)
OPERATIONS: Final[tuple[Operation, ...]] = get_args(Operation)
READS: Final[tuple[Operation, ...]] = ("list", "get")


@dataclass(frozen=True, kw_only=True, slots=True)
class RouterOrder:
    """As it came in; `checks.checked` says whether it can be made.

    `package`: the application's; its routers are in `<package>.routers`.
    """

    router_name: str
    router_type: str = "proxy"
    operations: tuple[str, ...] = OPERATIONS
    include_rate_limiting: bool = True
    include_caching: bool = True
    package: str = "backend"


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where a project has its code.

    `source`: the folder its package is in, with `/` behind it; empty: the project's own. `application`: the file of the package
    that makes the application.
    """

    source: str = "src/"
    application: str = "app.py"


USUAL_LAYOUT: Final = Layout()


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What is there already: modules of the routers' package, and the addresses that are taken (`/api/products`)."""

    modules: frozenset[str] = frozenset()
    prefixes: frozenset[str] = frozenset()
    layout: Layout = USUAL_LAYOUT


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What a router's name becomes. `one`: class of one of them; `single`: the same in snake case; `words`: for people."""

    module: str
    one: str
    single: str
    path: str
    words: str
    environment: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedOrder:
    """What can be made. Operations are in the order of `OPERATIONS`."""

    names: Names
    router_type: RouterType
    operations: tuple[Operation, ...]
    limited: bool
    caching: bool
    package: str
    layout: Layout

    @property
    def router_path(self) -> str:
        return f"{self._folder}/routers/{self.names.module}.py"

    @property
    def application_path(self) -> str:
        return f"{self._folder}/{self.layout.application}"

    @property
    def test_path(self) -> str:
        return f"tests/test_{self.names.module}.py"

    @property
    def router_module(self) -> str:
        return f"{self.package}.routers.{self.names.module}"

    @property
    def _folder(self) -> str:
        return self.layout.source + self.package.replace(".", "/")
