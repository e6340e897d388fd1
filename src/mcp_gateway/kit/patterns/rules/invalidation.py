"""What is cached ends when it is changed, after the change and on every way."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.facts.caches import CacheCall
from mcp_gateway.kit.patterns.facts.origins import Origin
from mcp_gateway.kit.patterns.facts.reach import Reached
from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import argument, words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, Function, Module, Scope
from mcp_gateway.kit.patterns.python.paths import Paths
from mcp_gateway.kit.patterns.python.trees import own_nodes, walk
from mcp_gateway.kit.patterns.rules.caching import cache_uses, is_next
from mcp_gateway.kit.patterns.rules.publicity import is_entrance
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Route

KNOWN: Final = Origin.CALLER | Origin.HEADER
WRITING: Final = frozenset({"post", "put", "patch", "delete"})
# Posts that change nothing.
ASKING: Final = re.compile(r"(^|/)(search|query|preview|validate|check|estimate|simulate|count|ask|explain|export|publish)/?$")
ENDING_NAME: Final = re.compile(r"invalidat|evict|forget|purge|expire|bust|refresh_cache|clear_cache|drop_cache", re.IGNORECASE)


STALE = RuleCard(
    name="cache-not-invalidated",
    pattern="caching",
    level="comprehensive",
    severity=Severity.HIGH,
    title="A write leaves the cache as it was",
    reason="The caller that changed a thing reads the old one back, and so does everybody until the entry ends by itself.",
    remedy='After the write, on every way: `await cache.invalidate(tenant=call.caller, tags=("items",))`.',
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    return await cache.get_or_load(item, lambda: items.read(item, tenant=call.tenant), tenant=call.caller, tags=("items",))

@router.put("/items/{item}")
async def write_item(item: str, body: Item, items: Items, call: Annotated[Call, Depends(Guard("items.write"))]) -> Item:
    return await items.write(item, body, tenant=call.tenant)
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    return await cache.get_or_load(item, lambda: items.read(item, tenant=call.tenant), tenant=call.caller, tags=("items",))

@router.put("/items/{item}")
async def write_item(item: str, body: Item, items: Items, call: Annotated[Call, Depends(Guard("items.write"))]) -> Item:
    written = await items.write(item, body, tenant=call.tenant)
    await cache.invalidate(tenant=call.caller, tags=("items",), cause="item written")
    return written
""",
)


def _stale(study: Study) -> Iterator[Hit]:
    kept = _kept(study)
    if not kept:
        return
    for route in study.routes:
        if not route.methods & WRITING or ASKING.search(route.path) or is_entrance(route, study) or route.function is None:
            continue
        if not _changes(study, route):
            continue
        if not _Ending(study, route, kept).always():
            yield Hit(
                node=route.place,
                route=route,
                message=f"{route.name} changes what is cached and does not invalidate it afterwards, on every way",
            )


def _kept(study: Study) -> list[CacheCall]:
    """What the module's reading handlers keep in a cache."""
    found = []
    for route in study.routes:
        if route.reads:
            found += [
                used for used in cache_uses(study, route) if used.writes and (used.reached.is_direct or is_next(study, used))
            ]
    return found


def _changes(study: Study, route: Route) -> bool:
    """Whether a writing handler does anything besides looking at the cache."""
    return any(
        not isinstance(one.call.func, ast.Name) or one.symbol.function is not None
        for one in study.reached(route)
        if study.world.caches.use(one) is None
    )


class _Ending:
    """Whether a handler ends what is kept after its last write, on every way that ends well."""

    def __init__(self, study: Study, route: Route, kept: list[CacheCall]) -> None:
        self._study, self._route, self._kept = study, route, kept
        self._tags = {tag for used in kept for tag in _tags(used.call)}
        self._owners = {used.owner for used in kept}

    def always(self) -> bool:
        function = self._route.function
        if function is None:
            return False
        if self._in_dependencies() or any(self._wraps(one.node) for one in self._route.wrappers):
            return True
        paths = Paths(does=self._ends, forgives=_forgives)
        return paths.always(function.body) and not self._writes_after(function)

    def _in_dependencies(self) -> bool:
        """A dependency that yields and then invalidates, or one that is made for it."""
        for chain in self._study.chains(self._route):
            if any(ENDING_NAME.search(one.target.symbol.last) and one.target.body is None for one in chain):
                return True
            for one in chain:
                body = one.target.body
                if (
                    body is not None
                    and any(isinstance(node, ast.Yield) for node in own_nodes(body))
                    and one.target.scope is not None
                ):
                    reached = self._study.world.reach.of(body, one.target.scope.module)
                    if any(
                        (used := self._study.world.caches.use(call)) is not None
                        and used.ends
                        and used.method not in ("set", "setex", "put")
                        for call in reached
                    ):
                        return True
        return False

    def _wraps(self, node: ast.expr) -> bool:
        called = node.func if isinstance(node, ast.Call) else node
        symbol = self._study.names.resolve(called, self._route.scope)
        if symbol.function is None or symbol.scope is None:
            return bool(ENDING_NAME.search(symbol.last))
        return any(
            isinstance(one, ast.Call)
            and isinstance(one.func, ast.Attribute)
            and one.func.attr in ("invalidate", "delete", "unlink")
            for one in walk(symbol.function)
        )

    def _ends(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Await) and isinstance(node.value, ast.Call):
            return self._call_ends(node.value) or any(
                self._call_ends(one) if isinstance(one, ast.Call) else isinstance(one, ast.Name) and self._work_ends(one)
                for one in node.value.args
            )
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_task" and node.args:
            made = ast.copy_location(ast.Call(func=node.args[0], args=node.args[1:], keywords=node.keywords), node)
            return self._call_ends(made, near=node)
        if isinstance(node, ast.Call) and not isinstance(self._route.function, ast.AsyncFunctionDef):
            return self._call_ends(node)
        return False

    def _work_ends(self, name: ast.Name) -> bool:
        """A function handed over to be carried out: `await once.run(keyed, work)`."""
        symbol = self._study.names.resolve(name, self._route.scope.module.around(name))
        if symbol.function is None or symbol.scope is None:
            return False
        return _Followed(self._study, self, symbol.scope.module).ends(symbol.function, 3)

    def _call_ends(self, call: ast.Call, near: ast.AST | None = None, depth: int = 4) -> bool:
        study = self._study
        module = self._route.scope.module
        scope = module.around(near or call)
        symbol = study.names.resolve(call.func, scope)
        reached = study.reached(self._route)
        if symbol.function is not None and symbol.scope is not None and depth > 0:
            inner = _Followed(study, self, symbol.scope.module)
            return inner.ends(symbol.function, depth - 1)
        found = next((one for one in reached if one.call is call), None)
        used = study.world.caches.use(found) if found is not None else self._used(call, scope)
        if used is None:
            return bool(ENDING_NAME.search(words(call.func).rpartition(".")[2])) and symbol.kind in ("external", "unknown")
        return self.is_ending(used)

    def _used(self, call: ast.Call, scope: Scope) -> CacheCall | None:
        function = self._route.function
        return self._study.world.caches.use(_as_reached(call, scope, self._study, function)) if function is not None else None

    def is_ending(self, used: CacheCall) -> bool:
        """Whether it ends entries of a cache that is read here: of the same cache, of tags that are set, of something."""
        if not used.ends or (not used.call.args and not used.call.keywords and used.method != "clear"):
            return False
        if used.how == "kit":
            if (
                used.owner not in self._owners
                and all(isinstance(one, ast.AST) for one in self._owners)
                and isinstance(used.owner, ast.AST)
            ):
                return False
            tenant = argument(used.call, "tenant")
            if tenant is None or (used.reached.is_direct and not self._study.world.origins.of(tenant, used.scope) & KNOWN):
                return False
            ended = _tags(used.call)
            keys = argument(used.call, "keys")
            keys = None if keys is None or _is_empty(keys) else keys
            if not ended and keys is None:
                return False
            if ended and self._tags and not ended & self._tags and keys is None:
                return False
        return True

    def _writes_after(self, function: ast.AST) -> bool:
        """Whether the last change stands behind the last invalidation."""
        module = self._route.scope.module
        last_end, last_write = 0, 0
        for one in self._study.reached(self._route):
            if not one.is_direct or one.scope.module is not module:
                continue
            line = getattr(one.call, "lineno", 0) * 1000 + getattr(one.call, "col_offset", 0)
            used = self._study.world.caches.use(one)
            if (
                (used is not None and used.ends)
                or ENDING_NAME.search(words(one.call.func).rpartition(".")[2])
                or self._call_ends(one.call)
            ):
                last_end = max(last_end, line)
            elif _is_change(one.call, module.parents.get(one.call)):
                last_write = max(last_write, line)
        return last_write > last_end > 0


class _Followed:
    """The same question in a function of the project that the handler calls."""

    def __init__(self, study: Study, ending: _Ending, module: Module) -> None:
        self._study, self._ending, self._module = study, ending, module

    def ends(self, function: ast.AST, depth: int) -> bool:
        if depth <= 0 or not isinstance(function, FUNCTIONS):
            return False
        reached = self._study.world.reach.of(function, self._module)
        ending = {
            one.call
            for one in reached
            if (used := self._study.world.caches.use(one)) is not None and self._ending.is_ending(used)
        }
        ending |= {
            one.call for one in reached if one.symbol.kind in ("external", "unknown") and ENDING_NAME.search(one.symbol.last)
        }
        sites = {one.site for one in reached if one.call in ending}
        return Paths(does=lambda node: node in ending or node in sites, forgives=_forgives).always(function.body)


def _as_reached(call: ast.Call, scope: Scope, study: Study, function: Function | ast.Lambda) -> Reached:
    return Reached(call=call, scope=scope, symbol=study.names.resolve(call.func, scope), site=call, around=(), function=function)


def _is_change(call: ast.Call, parent: ast.AST | None) -> bool:
    """An awaited call of something that writes, by its verb."""
    if not isinstance(call.func, ast.Attribute):
        return False
    verb = call.func.attr
    return bool(
        re.match(
            r"(create|update|delete|write|insert|save|put|patch|post|remove|replace|upsert|execute|commit|add_item|store)", verb
        )
    ) and isinstance(parent, ast.Await)


def _tags(call: ast.Call) -> set[str]:
    value = next((word.value for word in call.keywords if word.arg == "tags"), None)
    if value is None:
        return set()
    return {ast.dump(one) for one in value.elts} if isinstance(value, ast.Tuple | ast.List | ast.Set) else {ast.dump(value)}


def _is_empty(value: ast.expr) -> bool:
    return isinstance(value, ast.Tuple | ast.List | ast.Set) and not value.elts


def _forgives(handler: ast.ExceptHandler) -> bool:
    return not any(isinstance(node, ast.Raise) for statement in handler.body for node in walk(statement))


RULES = (Rule(card=STALE, check=_stale),)
