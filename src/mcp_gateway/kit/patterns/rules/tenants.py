"""Each tenant sees its own: who calls is authenticated, and what is read or written is theirs."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.facts.origins import Origin, names_tenant
from mcp_gateway.kit.patterns.facts.statements import raises
from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, all_parameters
from mcp_gateway.kit.patterns.python.trees import walk
from mcp_gateway.kit.patterns.rules.publicity import is_entrance
from mcp_gateway.kit.patterns.rules.webhooks import is_signed, is_webhook
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Route

KNOWN: Final = Origin.CALLER | Origin.HEADER
STORE: Final = re.compile(
    r"(^|_)(repo|repository|repos|store|storage|db|database|session|conn|connection|dao|table|collection|items|orders|products|gateway"
    r"|warehouse|documents|records|catalogue|catalog|ledger|inventory|service)s?$",
    re.IGNORECASE,
)
HOUSEKEEPING: Final = {
    "commit", "rollback", "refresh", "flush", "close", "begin", "add", "append", "debug", "info", "warning", "error",
    "exception", "bind",
    "connect", "disconnect",
    "model_validate", "model_dump", "encode", "decode", "split", "strip", "join", "format", "items", "keys", "values",
}  # fmt: skip
# Who looks after all tenants: no tenant's own administrator is called so.
OPERATOR: Final = re.compile(r"super_?(user|admin)|platform_?admin|site_?admin|sys_?admin|global_?admin|is_staff", re.IGNORECASE)
BACK_OFFICE: Final = {"backoffice", "back_office"}
GUARDING: Final = re.compile(r"check|ensure|require|authori[sz]e|assert|verify|permission|access|belongs|own", re.IGNORECASE)

MISSING = RuleCard(
    name="tenant-missing",
    pattern="multi_tenant",
    level="basic",
    severity=Severity.HIGH,
    title="Nobody says who calls",
    reason="Without an authenticated caller there is no tenant, and whatever the handler reads or writes is everybody's.",
    remedy=(
        "Take the caller from a dependency that authenticates: the `Call` of a Guard, or one that reads the token and refuses "
        "strangers."
    ),
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items) -> Item:
    return await items.read(item)
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    return await items.read(item, tenant=call.tenant)
""",
)
FROM_INPUT = RuleCard(
    name="tenant-from-input",
    pattern="multi_tenant",
    level="basic",
    severity=Severity.CRITICAL,
    title="The tenant is taken from the request",
    reason=(
        "Anybody can write another tenant's name into a path, a query or a body; only authentication knows whose request it is."
    ),
    remedy="Use the authenticated caller's tenant; where the request names one too, refuse the call when the two differ.",
    bad="""\
@router.get("/items")
async def list_items(tenant_id: str, items: Items, call: Annotated[Call, Depends(Guard("items.list"))]) -> list[Item]:
    return await items.list(tenant_id, limit=50)
""",
    good="""\
@router.get("/items")
async def list_items(items: Items, call: Annotated[Call, Depends(Guard("items.list"))]) -> list[Item]:
    return await items.list(call.tenant, limit=50)
""",
)
UNSCOPED = RuleCard(
    name="tenant-unscoped",
    pattern="multi_tenant",
    level="basic",
    severity=Severity.HIGH,
    title="Data are reached without the tenant",
    reason="An id guessed or leaked opens another tenant's record when the tenant is no part of the question.",
    remedy="Pass the caller's tenant with every read and write, or build the repository from the caller in a dependency.",
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    return await items.read(item)
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    return await items.read(item, tenant=call.tenant)
""",
)
BELIEVED = RuleCard(
    name="tenant-header-believed",
    pattern="multi_tenant",
    level="production_ready",
    severity=Severity.MEDIUM,
    title="X-Tenant-ID is believed as it comes",
    reason="A header is written by whoever sends the request; without a login beside it the tenant is a wish.",
    remedy=(
        "Compare `X-Tenant-ID` with the authenticated caller's tenant, or take the tenant from the caller and the header not "
        "at all."
    ),
    bad="""\
async def tenant_of(x_tenant_id: Annotated[str, Header()]) -> str:
    return x_tenant_id

@router.get("/items")
async def list_items(tenant: Annotated[str, Depends(tenant_of)], items: Items) -> list[Item]:
    return await items.list(tenant, limit=50)
""",
    good="""\
async def tenant_of(x_tenant_id: Annotated[str, Header()], call: Annotated[Call, Depends(Guard("items.list"))]) -> str:
    if x_tenant_id != call.tenant:
        raise HTTPException(403)
    return call.tenant

@router.get("/items")
async def list_items(tenant: Annotated[str, Depends(tenant_of)], items: Items) -> list[Item]:
    return await items.list(tenant, limit=50)
""",
)


def _missing(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if is_entrance(route, study) or is_webhook(route) or _knows_caller(study, route) or is_signed(study, route):
            continue
        yield Hit(
            node=route.place,
            route=route,
            message=f"Nobody says who calls {route.name}: no dependency authenticates and gives the tenant",
        )


def _knows_caller(study: Study, route: Route) -> bool:
    if all(any(study.world.origins.identifies(one.target) for one in chain) for chain in study.chains(route)):
        return True
    if route.function is None:
        return True
    return any(study.origin(node) & KNOWN for node in _values(route)) or _plain_header(study, route)


def _plain_header(study: Study, route: Route) -> bool:
    if not isinstance(route.function, FUNCTIONS):
        return False
    inner = route.scope.module.scope_of(route.function)
    return any(
        study.world.origins.of(ast.copy_location(ast.Name(one.arg, ast.Load()), one), inner) & KNOWN
        for one in all_parameters(route.function.args)
    )


def _values(route: Route) -> Iterator[ast.AST]:
    """The expressions of a handler's body, outermost of dotted names."""
    if route.function is None:
        return
    body = route.function.body if isinstance(route.function.body, list) else [route.function.body]
    for statement in body:
        for node in walk(statement):
            if isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
                yield node


def _from_input(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if route.function is None or is_entrance(route, study):
            continue
        for node in _named_tenants(route):
            origin = study.origin(node)
            if origin & Origin.INPUT and not origin & KNOWN and not _is_checked(study, route, node):
                yield Hit(
                    node=node,
                    route=route,
                    message=f"{route.name} takes the tenant from the request ({_shown(node)}), where anybody can write it",
                )
        yield from _of_dependencies(study, route)


def _of_dependencies(study: Study, route: Route) -> Iterator[Hit]:
    """A dependency named for the tenant that hands on what the request says."""
    for chain in study.chains(route):
        for one in chain:
            if one.by is None and names_tenant(one.parameter) and one.target.body is not None:
                origin = study.world.origins.of_target(one.target)
                if origin & Origin.INPUT and not origin & KNOWN:
                    yield Hit(
                        node=one.place,
                        route=route,
                        message=f"{route.name} takes the tenant from the request, through {one.target.symbol.last}",
                    )


def _named_tenants(route: Route) -> Iterator[ast.expr]:
    """Expressions in a handler that are called a tenant, where they are used."""
    body = route.function.body if route.function is not None else []
    for statement in body if isinstance(body, list) else [body]:
        for node in walk(statement):
            match node:
                case ast.Name(ctx=ast.Load()) if names_tenant(node.id):
                    yield node
                case ast.Attribute(ctx=ast.Load()) if names_tenant(node.attr):
                    yield node
                case ast.Subscript(slice=ast.Constant(value=str(key)), ctx=ast.Load()) if names_tenant(key):
                    yield node
                case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(key)), *_]) if names_tenant(key):
                    yield node
                case ast.keyword(arg=str(name)) if names_tenant(name):
                    yield node.value


def _is_checked(study: Study, route: Route, tenant: ast.expr) -> bool:
    """Whether the handler refuses when the tenant it was told is not the caller's, or hands both to something that checks."""
    spoken = ast.dump(tenant)
    function = route.function
    for node in walk(function) if function is not None else ():
        if isinstance(node, ast.If) and raises(node.body) and _compares(study, node.test, spoken):
            return True
        if isinstance(node, ast.Call) and GUARDING.search(words(node.func).rpartition(".")[2]):
            values = [*node.args, *(word.value for word in node.keywords)]
            if any(ast.dump(one) == spoken for one in values) and any(study.origin(one) & KNOWN for one in values):
                return True
    return False


def _compares(study: Study, test: ast.expr, spoken: str) -> bool:
    for node in walk(test):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(ast.dump(one) == spoken for one in sides) and any(study.origin(one) & KNOWN for one in sides):
                return True
    return False


def _unscoped(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if route.function is None or is_entrance(route, study) or is_webhook(route) or not _knows_caller(study, route):
            continue
        if _rechecked(study, route) or _is_for_operators(study, route):
            continue
        for node in walk(route.function):
            if isinstance(node, ast.Call) and _asks_store(study, node) and not _is_scoped(study, node, route):
                yield Hit(node=node, route=route, message=f"{route.name} calls {words(node.func)} without the caller's tenant")


def _asks_store(study: Study, call: ast.Call) -> bool:
    """A method of something that keeps data, as its name or its type says."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr in HOUSEKEEPING:
        return False
    receiver = words(call.func.value).rpartition(".")[2]
    if receiver == "?" or receiver in ("log", "logger"):
        return False
    scope = study.module.around(call)
    kind = study.names.type_of(call.func.value, scope)
    symbol = study.names.resolve(call.func.value, scope)
    if (
        kind is not None
        and kind.kind == "external"
        and kind.dotted.startswith(("mcp_gateway.kit", "httpx", "logging", "structlog", "builtins"))
    ):
        return False
    if symbol.kind in ("external", "module", "function"):
        return bool(STORE.search(receiver)) and symbol.kind == "external" and symbol.dotted.count(".") > 0 and receiver.islower()
    named = STORE.search(receiver) or (
        kind is not None and re.search(r"Repo|Store|Session|Repository|Database|Dao|Items|Orders", kind.last)
    )
    return bool(named)


def _is_scoped(study: Study, call: ast.Call, route: Route) -> bool:
    """Whether the caller is in what is asked, in who is asked, or in what it stands in."""
    node: ast.AST | None = call
    while node is not None and node is not route.function:
        if isinstance(node, ast.Call):
            values = [*node.args, *(word.value for word in node.keywords)]
            if any(study.origin(one) & KNOWN for one in values) or _mentions_caller(study, values):
                return True
            if isinstance(node.func, ast.Attribute) and study.origin(node.func.value) & KNOWN:
                return True
        node = study.module.parents.get(node)
    return False


def _mentions_caller(study: Study, values: list[ast.expr], steps: int = 3) -> bool:
    """Over names: `statement = select(Item).where(Item.owner == user.id)` asks for the user's."""
    inside = [node for value in values for node in walk(value) if isinstance(node, ast.Attribute | ast.Name)]
    if any(study.origin(node) & KNOWN for node in inside):
        return True
    named = [node for node in inside if isinstance(node, ast.Name)] if steps > 0 else []
    return any(_mentions_caller(study, _queries(study, node), steps - 1) for node in named)


def _queries(study: Study, name: ast.Name) -> list[ast.expr]:
    """What a name of this function is bound to where that is put together from calls, as queries are."""
    bound = study.module.around(name).bindings.get(name.id, ())
    return [one.value for one in bound if one.kind == "value" and isinstance(one.value, ast.Call) and name not in walk(one.value)]


def _is_for_operators(study: Study, route: Route) -> bool:
    """Whether every way to the route asks for somebody who looks after all tenants, or it stands in their back office."""
    return bool(BACK_OFFICE & set(study.module.path.parts)) or all(
        any(OPERATOR.search(one.target.symbol.last) for one in chain) for chain in study.chains(route)
    )


def _rechecked(study: Study, route: Route) -> bool:
    """Whether the handler compares what it found with the caller and refuses."""
    for node in walk(route.function) if route.function is not None else ():
        if isinstance(node, ast.If) and raises(node.body):
            for one in walk(node.test):
                if isinstance(one, ast.Compare) and any(study.origin(side) & KNOWN for side in [one.left, *one.comparators]):
                    return True
                if isinstance(one, ast.Attribute) and OPERATOR.search(one.attr) and study.origin(one.value) & KNOWN:
                    return True
        if isinstance(node, ast.Call) and GUARDING.search(words(node.func).rpartition(".")[2]):
            values = [*node.args, *(word.value for word in node.keywords)]
            if any(study.origin(one) & KNOWN for one in values):
                return True
    return False


def _believed(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if is_entrance(route, study) or is_webhook(route):
            continue
        origins = [study.world.origins.of_target(one.target) for chain in study.chains(route) for one in chain]
        if isinstance(route.function, FUNCTIONS):
            inner = route.scope.module.scope_of(route.function)
            parameters = all_parameters(route.function.args)
            origins += [
                study.world.origins.of(ast.copy_location(ast.Name(one.arg, ast.Load()), one), inner) for one in parameters
            ]
        origins += [study.origin(node) for node in _values(route)]
        identified = any(
            study.world.origins.identifies(one.target) and _is_login(study, one) for chain in study.chains(route) for one in chain
        )
        if any(one & Origin.HEADER for one in origins) and not any(one & Origin.CALLER for one in origins) and not identified:
            yield Hit(node=route.place, route=route, message=f"{route.name} believes X-Tenant-ID without knowing who calls")


def _is_login(study: Study, dependency: object) -> bool:
    target = getattr(dependency, "target", None)
    return target is not None and bool(study.world.origins.of_target(target) & Origin.CALLER)


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else f"{text[:59]}…"


RULES = (
    Rule(card=MISSING, check=_missing),
    Rule(card=FROM_INPUT, check=_from_input),
    Rule(card=UNSCOPED, check=_unscoped),
    Rule(card=BELIEVED, check=_believed),
)
