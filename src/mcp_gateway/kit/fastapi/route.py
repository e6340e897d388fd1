"""The route class that asks the guard before anything else of the request is read.

FastAPI's own way of resolving a dependency costs as much as all that the kit does (13 to 25 µs). Here the handler's guard is
taken out of what FastAPI resolves: it is asked first, before parameters and body, and its `Call` is handed over. A route without
a guard, or one whose handler yields, is an ordinary `APIRoute`; there FastAPI resolves the guard. Whether a call is guarded
never depends on which of the two it is.
"""

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from fastapi import Request, Response
from fastapi.params import Depends
from fastapi.routing import APIRoute

from mcp_gateway.kit.errors import InvalidPolicy
from mcp_gateway.kit.fastapi.guard import Guard, NotInstalled
from mcp_gateway.kit.fastapi.keyed import HEADER, answer_once
from mcp_gateway.kit.fastapi.passage import PASSAGE, Passage
from mcp_gateway.kit.resilience.deadline import DEADLINE_HEADER

CALL = "kit.call"

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Endpoint = Callable[..., Any]


class GuardedRoute(APIRoute):
    """Use it as `APIRouter(route_class=GuardedRoute)`."""

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        """Options as for `APIRoute`. Raises `InvalidPolicy` for a handler with two guards."""
        found = find_guard(endpoint)
        self._guard = found[1] if found is not None and not _yields(endpoint) else None
        super().__init__(path, endpoint if found is None or self._guard is None else _handed(endpoint, found[0]), **options)

    def get_route_handler(self) -> Handler:
        inner, guard = super().get_route_handler(), self._guard
        if guard is None:
            return inner

        async def guarded(request: Request) -> Response:
            request.scope[CALL] = await guard.admit(request)
            return await inner(request)

        async def carried_out(request: Request) -> Response:
            return await _in_time(guard, request, inner)

        return guarded if guard.idempotency is None and guard.deadline_seconds is None else carried_out


async def _in_time(guard: Guard, request: Request, handler: Handler) -> Response:
    """Within the guard's deadline and the caller's. Raises `DeadlineExceeded`."""
    passage: Passage | None = request.scope.get(PASSAGE)
    if passage is not None:
        passage.operation = guard.operation
    deadlines = passage.face.deadlines if passage is not None else None
    if deadlines is None:
        if guard.deadline_seconds is not None:
            raise NotInstalled(f"{guard.operation} has a deadline, and the face has no `deadlines`.")
        return await _once(guard, request, handler)
    asked = deadlines.read_header(request.headers.get(DEADLINE_HEADER))
    limits = [seconds for seconds in (asked, guard.deadline_seconds) if seconds is not None]
    async with deadlines.within(min(limits, default=None)):
        return await _once(guard, request, handler)


async def _once(guard: Guard, request: Request, handler: Handler) -> Response:
    """Once for each `Idempotency-Key`, where there is one or must be one."""
    call = request.scope[CALL] = await guard.admit(request)
    if guard.idempotency is None or (guard.idempotency == "optional" and HEADER not in request.headers):
        return await handler(request)
    idempotency = request.scope[PASSAGE].face.idempotency
    if idempotency is None:
        raise NotInstalled(f"{guard.operation} takes an {HEADER}, and the face has no `idempotency`.")
    return await answer_once(idempotency, call, request, handler)


def find_guard(endpoint: Endpoint) -> tuple[str, Guard] | None:
    """The parameter that carries the guard, and the guard."""
    original = inspect.unwrap(endpoint)
    try:
        hints = get_type_hints(original, include_extras=True)
    except (NameError, TypeError):
        # A name that cannot be resolved yet: FastAPI will say so, or resolve the guard itself.
        return None
    found = [(name, guard) for name, hint in hints.items() for guard in _guards_in(hint)]
    defaults = inspect.signature(original).parameters.values()
    found += [(one.name, guard) for one in defaults for guard in _guards_in(Annotated[object, one.default])]
    if len(found) > 1:
        raise InvalidPolicy(f"{getattr(original, '__qualname__', original)} has two guards.", hint="One call is decided once.")
    return found[0] if found else None


def _guards_in(hint: object) -> list[Guard]:
    if get_origin(hint) is not Annotated:
        return []
    declared = [one.dependency for one in get_args(hint)[1:] if isinstance(one, Depends)]
    return [one for one in declared if isinstance(one, Guard)]


def _yields(endpoint: Endpoint) -> bool:
    return inspect.isgeneratorfunction(endpoint) or inspect.isasyncgenfunction(endpoint)


def _handed(endpoint: Endpoint, name: str) -> Endpoint:
    """The same handler as FastAPI is to see it: with the request in the place of the guard, or without the guard's parameter
    where it asks for the request anyway (FastAPI hands it over under one name only)."""
    signature = inspect.signature(endpoint)
    asked = _request_parameter(endpoint)
    parameters = [
        one.replace(annotation=Request, default=inspect.Parameter.empty, kind=inspect.Parameter.KEYWORD_ONLY)
        if one.name == name
        else one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for one in signature.parameters.values()
        if one.name != name or asked is None
    ]
    source = asked or name
    if inspect.iscoroutinefunction(endpoint):

        @functools.wraps(endpoint)
        async def handed(**values: Any) -> Any:
            values[name] = values[source].scope[CALL]
            return await endpoint(**values)
    else:

        @functools.wraps(endpoint)
        def handed(**values: Any) -> Any:
            values[name] = values[source].scope[CALL]
            return endpoint(**values)

    handed.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # what inspect looks for
    return handed


def _request_parameter(endpoint: Endpoint) -> str | None:
    hints = get_type_hints(inspect.unwrap(endpoint))
    named = ((name, hint) for name, hint in hints.items() if name != "return")
    return next((name for name, hint in named if isinstance(hint, type) and issubclass(hint, Request)), None)
