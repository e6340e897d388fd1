"""Reads, writes and invalidations of caches: the kit's, Redis used as one, and caches of other names."""

import ast
import re
from dataclasses import dataclass
from typing import Final, Literal

from mcp_gateway.kit.patterns.facts.reach import Reached
from mcp_gateway.kit.patterns.python.expressions import argument, words
from mcp_gateway.kit.patterns.python.modules import Scope
from mcp_gateway.kit.patterns.python.names import Names, Symbol

CACHE: Final = re.compile(
    r"(^|_)(cache|caches|redis|redis_client|memcache|near)(_client|_store)?s?$|Cache$|Redis$", re.IGNORECASE
)
READS: Final = {"get", "mget", "hget", "get_or_load", "get_or_set", "get_json", "fetch"}
WRITES: Final = {
    "set",
    "setex",
    "psetex",
    "setnx",
    "hset",
    "mset",
    "put",
    "set_json",
    "getset",
    "add",
    "store",
    "get_or_load",
    "get_or_set",
    "cache_result",
}
ENDS: Final = {
    "invalidate", "delete", "unlink", "delete_many", "invalidate_tags", "clear", "evict", "expire_now", "publish", "incr",
    "bump", "remove", "invalidate_pattern", "delete_pattern", "invalidate_tenant", "pop", "hdel", "delete_prefix",
    "invalidate_prefix", "set", "setex", "put",
}  # fmt: skip
USES: Final = READS | WRITES | ENDS
TTLS: Final = (
    "ttl",
    "ex",
    "px",
    "exat",
    "pxat",
    "expire",
    "expires",
    "expire_in",
    "expires_in",
    "timeout",
    "ttl_seconds",
    "expiry",
    "expiration",
    "max_age",
    "keepttl",
)
# Longer is for ever: longer than a deployment lives.
MAX_TTL_SECONDS: Final = 31 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CacheCall:
    """One use of a cache. `owner`: what says which cache it is; `kit`: the kit's own, which has policies and names tenants."""

    reached: Reached
    method: str
    owner: object
    how: Literal["kit", "redis", "other"]

    @property
    def call(self) -> ast.Call:
        return self.reached.call

    @property
    def scope(self) -> Scope:
        return self.reached.scope

    @property
    def key(self) -> ast.expr | None:
        return argument(self.call, "key", 0) or argument(self.call, "name")

    @property
    def reads(self) -> bool:
        return self.method in READS

    @property
    def writes(self) -> bool:
        return self.method in WRITES

    @property
    def ends(self) -> bool:
        return self.method in ENDS


def may_use_cache(reached: Reached, _: Names) -> bool:
    """By the method's name alone."""
    return isinstance(reached.call.func, ast.Attribute) and reached.call.func.attr in USES


class Caches:
    """Recognises caches by type, and where that is unknown by name."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def use(self, reached: Reached) -> CacheCall | None:
        """What a call does with a cache; None when it is no such call."""
        func = reached.call.func
        if not isinstance(func, ast.Attribute) or func.attr not in USES:
            return None
        receiver, scope = func.value, reached.scope
        kind = self._names.type_of(receiver, scope)
        how = self._kind(receiver, kind)
        if how is None:
            return None
        symbol = self._names.resolve(receiver, scope)
        owner: object = symbol.node if symbol.node is not None else words(receiver)
        return CacheCall(reached=reached, method=func.attr, owner=owner, how=how)

    def _kind(self, receiver: ast.expr, kind: Symbol | None) -> Literal["kit", "redis", "other"] | None:
        if kind is not None and kind.kind == "external":
            if kind.dotted.startswith("mcp_gateway.kit"):
                return "kit" if kind.last == "Cache" else None
            if kind.dotted.startswith(("redis.", "aioredis.", "valkey.", "coredis.")):
                return "redis"
            if kind.dotted.startswith(("httpx", "fastapi", "sqlalchemy", "logging", "structlog", "builtins")):
                return None
            return "other" if CACHE.search(kind.last) else None
        named = words(receiver).rpartition(".")[2]
        if kind is not None:
            return "other" if CACHE.search(kind.last) else None
        if not CACHE.search(named):
            return None
        return "redis" if "redis" in named.lower() else "other"


def ttl_of(call: ast.Call, method: str) -> ast.expr | None:
    """The expression that says how long a value lives; None when there is none."""
    if method in ("setex", "psetex"):
        return argument(call, "time", 1) or argument(call, "seconds")
    for word in call.keywords:
        if word.arg in TTLS:
            return word.value
    return None


def seconds_of(value: ast.expr, scope: Scope, names: Names) -> float | None:
    """A time written down: numbers, products, named constants, `timedelta`. None when nobody can say; `inf` for None."""
    if isinstance(value, ast.Constant):
        if value.value is None:
            return float("inf")
        return float(value.value) if isinstance(value.value, int | float) else None
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
        inner = seconds_of(value.operand, scope, names)
        return -inner if inner is not None else None
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult | ast.Pow):
        left, right = seconds_of(value.left, scope, names), seconds_of(value.right, scope, names)
        if left is None or right is None:
            return None
        return left * right if isinstance(value.op, ast.Mult) else left ** min(right, 30.0)
    if isinstance(value, ast.Name | ast.Attribute):
        symbol = names.resolve(value, scope)
        if isinstance(symbol.node, ast.expr) and symbol.kind == "value" and symbol.scope is not None and symbol.node is not value:
            return seconds_of(symbol.node, symbol.scope, names)
        return None
    if isinstance(value, ast.Call):
        return _of_call(value, scope, names)
    return None


def _of_call(value: ast.Call, scope: Scope, names: Names) -> float | None:
    if words(value.func).rpartition(".")[2] == "timedelta":
        factors = {"days": 86_400.0, "weeks": 604_800.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0}
        parts = [(factors.get(word.arg or "", 1.0), seconds_of(word.value, scope, names)) for word in value.keywords]
        parts += [(86_400.0, seconds_of(value.args[0], scope, names))] if value.args else []
        return (
            sum(factor * part for factor, part in parts if part is not None)
            if all(part is not None for _, part in parts)
            else None
        )
    if (
        words(value.func) == "float"
        and value.args
        and isinstance(value.args[0], ast.Constant)
        and str(value.args[0].value) == "inf"
    ):
        return float("inf")
    return None
