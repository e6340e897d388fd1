"""What is cached belongs to a tenant, and ends by itself."""

import ast
import re
from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Final

from mcp_gateway.kit.patterns.facts.caches import MAX_TTL_SECONDS, CacheCall, may_use_cache, seconds_of, ttl_of
from mcp_gateway.kit.patterns.facts.origins import Origin
from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import argument, parameter_of, words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, Function, Scope, all_parameters
from mcp_gateway.kit.patterns.python.trees import calls, walk
from mcp_gateway.kit.patterns.rules.publicity import is_entrance
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Route

KNOWN: Final = Origin.CALLER | Origin.HEADER
# What gives the same for the same, and reads nothing that changes.
PURE: Final = (
    "builtins.",
    "dataclasses.",
    "re.",
    "json.",
    "orjson.",
    "hashlib.",
    "math.",
    "base64.",
    "itertools.",
    "unicodedata.",
    "string.",
)
PURE_METHODS: Final = {
    "encode", "decode", "lower", "upper", "casefold", "strip", "lstrip", "rstrip", "split", "rsplit", "partition", "rpartition",
    "splitlines", "join", "replace", "format", "startswith", "endswith", "removeprefix", "removesuffix", "search", "match",
    "fullmatch", "sub", "group",
    "groups", "start", "end", "span", "items", "keys", "values", "hexdigest", "digest", "append", "extend", "isdigit",
}  # fmt: skip
DICT_CACHE: Final = re.compile(r"cache|memo|cached", re.IGNORECASE)
WITHOUT_TENANT = RuleCard(
    name="cache-key-without-tenant",
    pattern="caching",
    level="basic",
    severity=Severity.CRITICAL,
    title="A cache key without the tenant",
    reason="Two tenants with the same id share the entry: the one reads what belongs to the other.",
    remedy="Pass `tenant=call.caller` to the kit's cache; in a key of your own put the authenticated tenant first.",
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, redis: Redis, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    kept = await redis.get(f"item:{item}")
    return Item.model_validate_json(kept) if kept else await items.read(item, tenant=call.tenant)
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, redis: Redis, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    kept = await redis.get(f"item:{call.tenant}:{item}")
    return Item.model_validate_json(kept) if kept else await items.read(item, tenant=call.tenant)
""",
)
WITHOUT_TTL = RuleCard(
    name="cache-without-ttl",
    pattern="caching",
    level="comprehensive",
    severity=Severity.MEDIUM,
    title="A cache entry that never ends",
    reason="What a lost invalidation leaves behind stays wrong for ever, and memory fills with what nobody asks for.",
    remedy="Say how long it lives: `set(key, value, ex=60)`, `CachePolicy(ttl_seconds=60)`; no `lru_cache` over tenants' data.",
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, redis: Redis, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    found = await items.read(item, tenant=call.tenant)
    await redis.set(f"item:{call.tenant}:{item}", found.model_dump_json())
    return found
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, redis: Redis, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    found = await items.read(item, tenant=call.tenant)
    await redis.set(f"item:{call.tenant}:{item}", found.model_dump_json(), ex=60)
    return found
""",
    fixable=True,
)


def cache_uses(study: Study, route: Route) -> Iterator[CacheCall]:
    for one in study.reached(route, may_use_cache):
        used = study.world.caches.use(one)
        if used is not None:
            yield used


def _without_tenant(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if is_entrance(route, study):
            continue
        for used in cache_uses(study, route):
            if (used.reads or used.writes) and not _is_lock(used) and not _holds_tenant(study, used, route):
                yield Hit(
                    node=used.reached.site,
                    route=route,
                    message=f"{route.name} caches under a key without the authenticated tenant",
                )


def _is_lock(used: CacheCall) -> bool:
    return used.method == "set" and any(word.arg == "nx" for word in used.call.keywords)


def _holds_tenant(study: Study, used: CacheCall, route: Route) -> bool:
    """Whether the key, or what says whose it is, comes from the caller."""
    named = next(
        (word.value for word in used.call.keywords if word.arg in ("tenant", "tenant_id", "namespace", "scope", "caller")), None
    )
    values = [one for one in (named,) if one is not None]
    if used.how != "kit":
        values += [used.key] if used.key is not None else []
    if used.reached.is_direct:
        return any(_from_caller(study, one, used) for one in values) or _from_caller(study, used.call.func, used)
    known = _handed(study, used)
    found = [study.world.origins.of(one, used.scope, known) for one in [*values, used.call.func]]
    if any(one & KNOWN for one in found):
        return True
    # Several steps away it counts against the handler only when what the request names is the key.
    return not is_next(study, used) and not any(one & Origin.INPUT for one in found)


def is_next(study: Study, used: CacheCall) -> bool:
    """Whether the handler itself calls the function that uses the cache."""
    site = used.reached.site
    return isinstance(site, ast.Call) and study.names.callee(site, study.module.around(site)).function is used.reached.function


def _handed(study: Study, used: CacheCall) -> dict[str, Origin]:
    """Where the parameters of a function further on come from, by the handler's call that leads to it."""
    site, function = used.reached.site, used.reached.function
    names = [one.arg for one in all_parameters(function.args)]
    if not isinstance(site, ast.Call):
        return {}
    given = [*site.args, *(word.value for word in site.keywords)]
    if is_next(study, used) and isinstance(function, FUNCTIONS):
        return {name: study.origin(one) for one in given if (name := parameter_of(function, site, one))}
    found = [study.origin(one) for one in given]  # several steps away: what comes from the caller may be any of them
    return dict.fromkeys(names, reduce(or_, found, Origin.NOWHERE))


def _from_caller(study: Study, value: ast.expr, used: CacheCall) -> bool:
    return bool(study.world.origins.of(value, used.scope) & KNOWN)


def _without_ttl(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        for used in cache_uses(study, route):
            if used.writes and used.how != "kit" and not _ends(study, used):
                yield Hit(
                    node=used.reached.site,
                    route=route,
                    message=f"{route.name} caches without an end ({words(used.call.func)})",
                    mend="add_ttl" if used.method == "set" and used.how == "redis" and _is_plain(used) else "",
                )
    yield from _policies(study)
    yield from _remembered(study)
    yield from _dictionaries(study)


def _is_plain(used: CacheCall) -> bool:
    """A call here of a key and a value alone: a lock, say, may be meant to stay."""
    call = used.call
    starred = any(isinstance(one, ast.Starred) for one in call.args)
    return used.reached.is_direct and len(call.args) == 2 and not call.keywords and not starred


def _ends(study: Study, used: CacheCall) -> bool:
    if used.method in ("hset", "mset", "add"):
        return used.how != "redis" or _expires_later(used)
    value = ttl_of(used.call, used.method)
    if (
        value is None
        and used.how == "other"
        and used.method in ("set", "put", "get_or_set", "store")
        and len(used.call.args) >= 3
    ):
        value = used.call.args[2]
    if value is None and used.how == "redis" and len(used.call.args) >= 3 and used.method == "set":
        value = used.call.args[2]
    if value is None:
        return _expires_later(used) or _default_ttl(study, used)
    if isinstance(value, ast.Constant) and value.value is True and any(word.arg == "keepttl" for word in used.call.keywords):
        return True
    seconds = seconds_of(value, used.scope, study.names)
    seconds = (
        seconds / 1000
        if seconds is not None and (used.method == "psetex" or any(word.arg == "px" for word in used.call.keywords))
        else seconds
    )
    return seconds is None or 0 < seconds <= MAX_TTL_SECONDS


def _expires_later(used: CacheCall) -> bool:
    """`redis.expire(key, 60)` for the same key in the same function."""
    key = ast.dump(used.key) if used.key is not None else ""
    for node in walk(used.reached.function):
        if (
            (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("expire", "pexpire", "expireat")
            )
            and node.args
            and ast.dump(node.args[0]) == key
        ):
            return True
    return False


def _default_ttl(study: Study, used: CacheCall) -> bool:
    """A cache made with a time for all its entries."""
    if not isinstance(used.call.func, ast.Attribute):
        return False
    symbol = study.names.resolve(used.call.func.value, used.scope)
    made = symbol.node if isinstance(symbol.node, ast.Call) else None
    if made is None or symbol.scope is None:
        return False
    for word in made.keywords:
        if word.arg and re.search(r"ttl|expire|timeout", word.arg):
            seconds = seconds_of(word.value, symbol.scope, study.names)
            return seconds is None or 0 < seconds <= MAX_TTL_SECONDS
    return words(made.func).rpartition(".")[2] in ("TTLCache", "TLRUCache")


def _policies(study: Study) -> Iterator[Hit]:
    for node in calls(study.module.tree):
        if words(node.func).rpartition(".")[2] == "CachePolicy":
            value = argument(node, "ttl_seconds")
            scope = study.module.around(node)
            seconds = seconds_of(value, scope, study.names) if value is not None else 60.0
            if seconds is not None and not 0 < seconds <= MAX_TTL_SECONDS:
                yield Hit(node=node, message="this policy keeps entries for longer than a month, which is for ever")


def _remembered(study: Study) -> Iterator[Hit]:
    """`lru_cache` over what a request names."""
    for route in study.routes:
        seen = [
            (one.symbol.function, one.symbol.scope, one.site, bool(one.call.args or one.call.keywords))
            for one in study.reached(route)
        ]
        for function, scope, site, given in seen:
            if function is not None and scope is not None and given and _is_memoised(function, scope, study):
                yield Hit(node=site, route=route, message=f"{function.name} remembers what requests ask for, without an end")
        if any(_is_memo(one.node, study, route) for one in route.wrappers):
            yield Hit(node=route.place, route=route, message=f"{route.name} is remembered without an end")


def _is_memoised(function: Function, scope: Scope, study: Study) -> bool:
    memos = [one for one in function.decorator_list if _memo_name(one) in ("lru_cache", "cache", "alru_cache")]
    endless = [one for one in memos if _is_endless(one)]
    return bool(endless) and not (all(_is_bounded(one) for one in endless) and _computes(function, scope, study))


def _memo_name(node: ast.expr) -> str:
    return words(node.func if isinstance(node, ast.Call) else node).rpartition(".")[2]


def _is_bounded(memo: ast.expr) -> bool:
    """`lru_cache(maxsize=1000)`, and `lru_cache` alone, which keeps 128."""
    size = argument(memo, "maxsize", 0) if isinstance(memo, ast.Call) else None
    return _memo_name(memo) != "cache" and not (isinstance(size, ast.Constant) and size.value is None)


def _computes(function: Function, scope: Scope, study: Study) -> bool:
    """Whether it makes its result of what it is given alone: then an entry is never out of date."""
    return isinstance(function, ast.FunctionDef) and all(
        one.symbol.function is not None
        or one.symbol.kind == "class"
        or (one.symbol.kind == "external" and one.symbol.dotted.startswith(PURE) and one.symbol.last not in ("open", "input"))
        or (one.symbol.kind != "external" and one.symbol.last in PURE_METHODS)
        for one in study.world.reach.of(function, scope.module)
    )


def _is_memo(node: ast.expr, study: Study, route: Route) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    symbol = study.names.resolve(called, route.scope)
    return symbol.dotted in ("functools.lru_cache", "functools.cache", "async_lru.alru_cache") and _is_endless(node)


def _is_endless(node: ast.expr) -> bool:
    return not (isinstance(node, ast.Call) and any(word.arg == "ttl" for word in node.keywords))


def _dictionaries(study: Study) -> Iterator[Hit]:
    """A module's dictionary used as a cache: entries are written by handlers and nothing ends them."""
    routes = study.by_function
    for function, route in routes.items():
        for node in walk(function) if function is not None else ():
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Subscript)
                and isinstance(node.targets[0].value, ast.Name)
            ):
                name = node.targets[0].value.id
                found = study.module.scope.bindings.get(name)
                made = found[-1].value if found else None
                if (
                    made is not None
                    and DICT_CACHE.search(name)
                    and (isinstance(made, ast.Dict) or words(made) in ("dict", "defaultdict", "OrderedDict"))
                ):
                    yield Hit(
                        node=node,
                        route=route,
                        message=f"{name} is a dictionary of this process: nothing ends its entries or tells other replicas",
                    )


RULES = (
    Rule(card=WITHOUT_TENANT, check=_without_tenant),
    Rule(card=WITHOUT_TTL, check=_without_ttl),
)
