"""Connections are made once, in the application's life, and handed to handlers."""

import ast
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.facts.reach import Reached
from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS
from mcp_gateway.kit.patterns.python.names import Names, Symbol
from mcp_gateway.kit.patterns.python.trees import walk
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Route

# What holds connections.
CONNECTED: Final = {
    "httpx.AsyncClient", "httpx.Client", "httpx2.AsyncClient", "httpx2.Client", "aiohttp.ClientSession", "requests.Session",
    "requests.session",
    "redis.Redis", "redis.StrictRedis", "redis.from_url", "redis.Redis.from_url", "redis.asyncio.Redis", "redis.asyncio.from_url",
    "redis.asyncio.Redis.from_url", "redis.asyncio.StrictRedis", "aioredis.from_url", "aioredis.Redis",
    "sqlalchemy.create_engine",
    "sqlalchemy.ext.asyncio.create_async_engine", "asyncpg.create_pool", "asyncpg.connect", "psycopg.connect",
    "psycopg.AsyncConnection.connect",
    "psycopg2.connect", "psycopg_pool.AsyncConnectionPool", "psycopg_pool.ConnectionPool", "sqlite3.connect", "aiosqlite.connect",
    "motor.motor_asyncio.AsyncIOMotorClient", "pymongo.MongoClient", "boto3.client", "boto3.resource", "grpc.insecure_channel",
    "grpc.aio.insecure_channel", "elasticsearch.AsyncElasticsearch", "redis.ConnectionPool", "redis.asyncio.ConnectionPool",
}  # fmt: skip
# What the kit makes once: state that has to be shared to mean anything.
SHARED: Final = {
    "EnterpriseRateLimiter", "CircuitBreaker", "Cache", "MemorySharedLevel", "MemoryLimitStore", "MemoryIdempotencyStore",
    "Idempotency", "Bulkhead",
    "RetryBudget", "AdaptiveLimit", "ResourcePools", "RedisLimitStore", "RedisBreakerStore", "RedisIdempotencyStore",
}  # fmt: skip
KIT_CONNECTED: Final = ("RedisConnection.open", "RedisSharedLevel.open")
ONE_SHOT: Final = {"httpx", "requests", "httpx2"}
VERBS: Final = {"get", "post", "put", "patch", "delete", "head", "options", "request", "stream"}
REMEMBERING: Final = {"lru_cache", "cache", "cached_property", "alru_cache", "asynccontextmanager_once"}

PER_REQUEST = RuleCard(
    name="client-per-request",
    pattern="dependency_injection",
    level="basic",
    severity=Severity.HIGH,
    title="A client is made for each request",
    reason=(
        "Each request pays for a new connection and handshake, no pool bounds them, and state that should be shared is forgotten."
    ),
    remedy="Make it once in the lifespan and hand it to handlers by `Depends`.",
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, call: Annotated[Call, Depends(Guard("items.read", deadline_seconds=2))]) -> Item:
    async with httpx.AsyncClient(timeout=2) as client:
        answer = await breaker.call(client.get, f"https://warehouse/{call.tenant}/{item}")
    return Item.model_validate(answer.json())
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, call: Annotated[Call, Depends(Guard("items.read", deadline_seconds=2))], client: Client) -> Item:
    answer = await breaker.call(client.get, f"https://warehouse/{call.tenant}/{item}")
    return Item.model_validate(answer.json())
""",
)
GLOBAL = RuleCard(
    name="client-global",
    pattern="dependency_injection",
    level="basic",
    severity=Severity.MEDIUM,
    title="A client is made when the module is imported",
    reason="It belongs to no event loop and no application: nobody closes it, tests share it, and importing needs its settings.",
    remedy="Make it in the lifespan, keep it on `app.state`, and hand it to handlers by `Depends`.",
    bad="""\
client = httpx.AsyncClient(timeout=2)

@router.get("/items/{item}")
async def read_item(item: str, call: Annotated[Call, Depends(Guard("items.read", deadline_seconds=2))]) -> Item:
    answer = await breaker.call(client.get, f"https://warehouse/{call.tenant}/{item}")
    return Item.model_validate(answer.json())
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, call: Annotated[Call, Depends(Guard("items.read", deadline_seconds=2))], client: Client) -> Item:
    answer = await breaker.call(client.get, f"https://warehouse/{call.tenant}/{item}")
    return Item.model_validate(answer.json())
""",
)


def makes_client(symbol: Symbol) -> bool:
    """Whether a call of it opens or owns connections."""
    if symbol.kind == "class" and isinstance(symbol.node, ast.ClassDef):
        return False
    return symbol.kind == "external" and (symbol.dotted in CONNECTED or symbol.dotted.endswith(KIT_CONNECTED))


def _makes_shared(symbol: Symbol) -> bool:
    return symbol.kind == "external" and symbol.dotted.startswith("mcp_gateway.kit") and symbol.last in SHARED


def _is_one_shot(symbol: Symbol) -> bool:
    owner, _, verb = symbol.dotted.rpartition(".")
    return symbol.kind == "external" and owner in ONE_SHOT and verb in VERBS


def _per_request(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        for one in study.reached(route, _makes):
            yield from _hit(one, one.site, route, study)
        for dependency, calls in study.bodies(route, _makes):
            if _is_remembered(dependency.target.body, study):
                continue
            for one in calls:
                here = dependency.place if dependency.place in study.module.parents else route.place
                own = one.site if one.site in study.module.parents else here
                yield from _hit(one, own, route, study)


def _makes(one: Reached, names: Names) -> bool:
    return makes_client(one.symbol) or _makes_shared(one.symbol) or _is_one_shot(one.symbol) or _is_own_client(one.symbol, names)


def _hit(one: Reached, site: ast.AST, route: Route, study: Study) -> Iterator[Hit]:
    if _is_remembered(one.function, study) or _is_kept(one, study):
        return
    how = "a client for one call" if _is_one_shot(one.symbol) else one.symbol.last
    yield Hit(node=site, route=route, message=f"{route.name} makes {how} anew for each request ({words(one.call.func)})")


def _is_own_client(symbol: Symbol, names: Names) -> bool:
    """A project's class that derives from a client."""
    return symbol.kind == "class" and any(base.kind == "external" and base.dotted in CONNECTED for base in names.bases(symbol))


def _is_remembered(function: ast.AST | None, study: Study) -> bool:
    """A function that is called once and its result kept."""
    listed = getattr(function, "decorator_list", [])
    return any(words(one).rpartition(".")[2] in REMEMBERING for one in listed)


def _is_kept(one: Reached, study: Study) -> bool:
    """Assigned to a global or to the application's state: `client-global` speaks of the first, the second is made once."""
    module = one.scope.module
    parent = module.parents.get(one.call)
    while isinstance(parent, ast.Await):
        parent = module.parents.get(parent)
    if isinstance(parent, ast.Assign | ast.AnnAssign):
        targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
        names = {words(target) for target in targets}
        declared = {name for node in walk(one.function) if isinstance(node, ast.Global) for name in node.names}
        return bool(names & declared) or any(".state." in name for name in names)
    return False


def _global(study: Study) -> Iterator[Hit]:
    for node in walk(study.module.tree):
        if isinstance(node, ast.Call) and _at_import(node, study):
            symbol = study.names.callee(node, study.module.around(node))
            if makes_client(symbol) or _is_own_client(symbol, study.names):
                yield Hit(node=node, message=f"{words(node.func)} is made when this module is imported")
        elif isinstance(node, ast.Assign) and _is_global_in_function(node, study):
            yield Hit(node=node.value, message=f"{words(node.targets[0])} is a client kept in a module's global")
    yield from _imported(study)


def _at_import(node: ast.AST, study: Study) -> bool:
    """Whether a node is evaluated when the module is: not inside a function or lambda, unless as a default."""
    child, parent = node, study.module.parents.get(node)
    while parent is not None:
        if isinstance(parent, FUNCTIONS) and child in parent.body:
            return False
        if isinstance(parent, ast.Lambda) and child is parent.body:
            return False
        if isinstance(parent, ast.If) and "__name__" in ast.dump(parent.test):
            return False
        child, parent = parent, study.module.parents.get(parent)
    return True


def _is_global_in_function(node: ast.Assign, study: Study) -> bool:
    value = node.value.value if isinstance(node.value, ast.Await) else node.value
    if not isinstance(value, ast.Call) or not isinstance(node.targets[0], ast.Name):
        return False
    scope = study.module.around(node)
    declared = {name for one in walk(scope.node) if isinstance(one, ast.Global) for name in one.names}
    return node.targets[0].id in declared and makes_client(study.names.callee(value, scope))


def _imported(study: Study) -> Iterator[Hit]:
    """A client another module of the project makes when it is imported, used here."""
    seen: set[ast.AST] = set()
    for node in walk(study.module.tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            symbol = study.names.resolve(node, study.module.around(node))
            made = symbol.node
            if symbol.kind != "value" or not isinstance(made, ast.Call) or symbol.scope is None or made in seen:
                continue
            if symbol.scope.module is study.module or not isinstance(symbol.scope.node, ast.Module):
                continue
            if makes_client(study.names.callee(made, symbol.scope)):
                seen.add(made)
                where = symbol.scope.module.path.name
                yield Hit(node=node, message=f"{words(node)} is a client made when {where} is imported")


RULES = (Rule(card=PER_REQUEST, check=_per_request), Rule(card=GLOBAL, check=_global))
