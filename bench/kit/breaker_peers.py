"""The other circuit breakers of bench/kit/breaker.py, each set up as its documentation says, behind one shape."""

import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib import import_module
from typing import Any, TypeAlias

Work: TypeAlias = Callable[[], Awaitable[object]]
Call: TypeAlias = Callable[[Work], Awaitable[object]]

# Five failures, or a rate of 50 % where it can be said; one second open.
RECOVERY_SECONDS = 1.0
_NUMBERS = itertools.count()


def circuitbreaker() -> Call:
    library: Any = import_module("circuitbreaker")
    breaker = library.CircuitBreaker(5, RECOVERY_SECONDS, Exception, f"breaker-{next(_NUMBERS)}")

    async def call(work: Work) -> object:
        result: object = await breaker.call_async(work)
        return result

    return call


def aiobreaker() -> Call:
    library: Any = import_module("aiobreaker")
    breaker = library.CircuitBreaker(fail_max=5, timeout_duration=timedelta(seconds=RECOVERY_SECONDS))

    async def call(work: Work) -> object:
        result: object = await breaker.call_async(work)
        return result

    return call


def purgatory() -> Call:
    library: Any = import_module("purgatory")
    return _purgatory(library.AsyncCircuitBreakerFactory(default_threshold=5, default_ttl=RECOVERY_SECONDS))


def purgatory_redis(url: str) -> Call:
    library: Any = import_module("purgatory")
    stored = library.AsyncRedisUnitOfWork(url)
    return _purgatory(library.AsyncCircuitBreakerFactory(default_threshold=5, default_ttl=RECOVERY_SECONDS, uow=stored))


def _purgatory(factory: Any) -> Call:
    name, ready = f"breaker-{next(_NUMBERS)}", False

    async def call(work: Work) -> object:
        nonlocal ready
        if not ready:
            await factory.initialize()
            ready = True
        async with await factory.get_breaker(name):
            return await work()

    return call


def cashews(url: str) -> Call:
    library: Any = import_module("cashews")
    cache, ready = library.Cache(), False
    cache.setup(f"{url}?protocol=2", suppress=False)
    works: list[Work] = []

    async def newest() -> object:
        return await works.pop()()

    guarded = cache.circuit_breaker(
        errors_rate=50, period="10s", ttl="1s", half_open_ttl="2s", min_calls=10, key=f"breaker-{next(_NUMBERS)}"
    )(newest)

    async def call(work: Work) -> object:
        nonlocal ready
        if not ready:
            await cache.init()
            ready = True
        works.append(work)
        result: object = await guarded()
        return result

    return call
