"""Run by `reading.py` as the text of a program of its own: imports an application and prints its routes with all they depend on.

Standard library alone: it runs in the application's process, which need not have this package. It goes by shape, not by type:
whatever has routes, and dependants with calls.
"""

import collections.abc
import functools
import importlib
import inspect
import json
import os
import sys
import types
import typing
from collections.abc import Iterator
from typing import Any, Final

MARK: Final = "LIVE "
MAX_DEPENDENCIES: Final = 200
BARE: Final = {
    typing.Any, object, dict, list, tuple, set, frozenset, collections.abc.Mapping, collections.abc.MutableMapping,
    collections.abc.Sequence, collections.abc.Iterable,
}  # fmt: skip
Facts = dict[str, Any]


def application(named: str) -> Any:
    """`package.module:app`, or what a function of that name makes."""
    sys.path[:0] = [os.getcwd(), os.path.join(os.getcwd(), "src")]  # noqa: PTH109, PTH118  (the program stays small)
    module, _, name = named.partition(":")
    found: Any = importlib.import_module(module)
    for part in (name or "app").split("."):
        found = getattr(found, part)
    return found() if inspect.isfunction(found) else found


def place_of(call: Any, how: str = "") -> Facts:
    """Whose code it is, and where it stands; of a middleware what it does for each request."""
    while isinstance(call, functools.partial):
        call = call.func
    is_instance = not (inspect.isroutine(call) or inspect.isclass(call))
    named = type(call) if is_instance else inspect.unwrap(call)
    runs = named.__call__ if is_instance else named.__init__ if inspect.isclass(named) else named
    if how == "middleware":
        runs = getattr(named, "dispatch", named.__call__)
    code = getattr(getattr(runs, "__func__", runs), "__code__", None)
    return {
        "name": f"{getattr(named, '__module__', '')}.{getattr(named, '__qualname__', '')}",
        "file": getattr(code, "co_filename", ""),
        "line": getattr(code, "co_firstlineno", 0),
        "made": is_instance,
    }


def dependency(call: Any, parameter: str, how: str, by: int | None) -> Facts:
    kept = getattr(call, "idempotency", None)
    seconds = getattr(call, "deadline_seconds", None)
    return {
        **place_of(call, how), "parameter": parameter, "how": how, "by": by,
        "idempotency": kept if isinstance(kept, str) else None,
        "deadline_seconds": seconds if isinstance(seconds, int | float) else None,
    }  # fmt: skip


def dependencies(dependant: Any) -> list[Facts]:
    """Each before what it depends on; `by`: the place in this list of what asks for it."""
    found: list[Facts] = []
    waiting: list[tuple[Any, int | None]] = [(one, None) for one in dependant.dependencies]
    while waiting and len(found) < MAX_DEPENDENCIES:
        one, by = waiting.pop(0)
        found.append(dependency(one.call, one.name or "", "parameter" if one.name else "router", by))
        waiting += [(inner, len(found) - 1) for inner in one.dependencies]
    return found


def is_vague(kind: Any) -> bool:
    """Whether a type says nothing of what is in it."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return is_vague(inside[0])
    if origin in (typing.Union, types.UnionType) or origin in BARE:
        return any(is_vague(one) for one in inside if one not in (types.NoneType, ...))
    return kind.__hash__ is not None and kind in BARE


def answers(route: Any) -> str:
    model = getattr(route, "response_model", None)
    return "" if model is None else "vague" if is_vague(model) else "model"


def routes(owner: Any, prefix: str, around: list[Facts]) -> Iterator[Facts]:
    """`around`: what every request to the owner goes through."""
    around = [*around, *(dependency(one.cls, "", "middleware", None) for one in getattr(owner, "user_middleware", ()))]
    for one in effective(getattr(owner, "routes", ())):
        path = prefix + (getattr(one, "path", "") or "")
        endpoint, dependant = getattr(one, "endpoint", None), getattr(one, "dependant", None)
        if endpoint is None and getattr(one, "app", None) is not None:
            yield from routes(one.app, path, around)
            continue
        guard = getattr(getattr(one, "original_route", one), "_guard", None)
        yield {
            **place_of(endpoint), "path": path, "methods": sorted(getattr(one, "methods", None) or ()), "answers": answers(one),
            "dependencies": [
                *([dependency(guard, "", "parameter", None)] if guard is not None else []),
                *(dependencies(dependant) if dependant is not None else []),
                *around,
            ],
            "resolved": dependant is not None,
        }  # fmt: skip


def effective(listed: Any) -> Any:
    """Routes with what their inclusion adds: newer FastAPI keeps included routers as they are and adds it on the way."""
    spoken = sys.modules.get("fastapi.routing")
    iterate = getattr(spoken, "iter_route_contexts", None)
    return listed if iterate is None else iterate(list(listed))


def is_open_to_all(app: Any) -> bool:
    """Whether any page may call with a user's credentials."""
    for one in getattr(app, "user_middleware", ()):
        if one.cls.__name__ == "CORSMiddleware" and one.kwargs.get("allow_credentials"):
            pattern = str(one.kwargs.get("allow_origin_regex") or "").strip("^$()")
            if "*" in one.kwargs.get("allow_origins", ()) or pattern in (".*", ".+", "https?://.*", "https?://.+"):
                return True
    return False


def is_unlimited(app: Any) -> bool:
    """Whether the kit's middleware was given a face without a limiter."""
    faces = [one.kwargs.get("face") for one in getattr(app, "user_middleware", ()) if one.cls.__name__ == "KitMiddleware"]
    return any(not callable(face) and getattr(face, "limiter", face) is None for face in faces)


if __name__ == "__main__":
    app = application(sys.argv[1])
    found = {"routes": list(routes(app, "", [])), "open_to_all": is_open_to_all(app), "unlimited": is_unlimited(app)}
    sys.stdout.write(f"\n{MARK}{json.dumps(found)}\n")
