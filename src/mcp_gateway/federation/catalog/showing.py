"""The items of one kept list as they are listed: under the view's names, and those only that a caller may see."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import count
from typing import Final, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, parse_object, render
from mcp_gateway.federation.catalog.costs import tokens_of
from mcp_gateway.federation.catalog.model import Held, Item, ListKind
from mcp_gateway.federation.catalog.sight import Sight
from mcp_gateway.federation.catalog.snapshot import Part, Shown

# Callers of other rights for whom one list's verdicts are remembered.
MAX_VERDICTS: Final = 256
_PARSED: Final = 4_096
MAX_REMEMBERED_BYTES: Final = 32 * 1024

Rights: TypeAlias = tuple[str, str, frozenset[str], frozenset[str] | None]


class Rendering(NamedTuple):
    """All of a list under these names. `serial` is no other rendering's."""

    names: Mapping[str, str] | None
    serial: int
    part: Part


def rights_of(caller: Caller) -> Rights:
    """Callers of the same rights see the same."""
    return (caller.tenant, caller.subject, caller.roles, caller.scopes)


class Showing:
    """What was rendered and decided is remembered as long as the list itself is kept."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._renderings: WeakKeyDictionary[Held, Rendering] = WeakKeyDictionary()
        self._plain: WeakKeyDictionary[Held, Rendering] = WeakKeyDictionary()
        self._verdicts: WeakKeyDictionary[Held, dict[Rights, bytes | None]] = WeakKeyDictionary()
        self._version = ""
        self._serials = count()

    def follow_policy(self, version: str) -> None:
        """Forgets what another policy decided."""
        if version != self._version:
            self._version = version
            self._verdicts = WeakKeyDictionary()

    def render(self, held: Held, names: Mapping[str, str] | None) -> Rendering:
        """`names` None: the server's own."""
        renderings = self._plain if names is None else self._renderings
        found = renderings.get(held)
        if found is None or (found.names is not names and found.names != names):
            found = renderings[held] = Rendering(names, next(self._serials), _shown(held, names))
        return found

    def verdict(self, held: Held, caller: Caller) -> bytes | None:
        """One byte for each item, 1 for what the caller may see; None: all of it."""
        verdicts = self._verdicts.setdefault(held, {})
        rights = rights_of(caller)
        if rights in verdicts:
            return verdicts[rights]
        if len(verdicts) >= MAX_VERDICTS:
            verdicts.clear()
        mask = bytes(self._sight.sees(caller, held.server.name, held.kind, item.key) for item in held.items)
        verdicts[rights] = found = None if 0 not in mask else mask
        return found

    def decided(self, held: Held, caller: Caller) -> bool:
        """Whether `verdict` answers without asking the policy."""
        return rights_of(caller) in self._verdicts.get(held, ())


def definition_of(item: Item) -> JsonObject:
    """The item as a value, shared by all who ask: not to be changed."""
    return _parsed(item.body) if len(item.body) <= MAX_REMEMBERED_BYTES else parse_object(item.body)


def _shown(held: Held, names: Mapping[str, str] | None) -> Part:
    return tuple(
        _show(held.server.name, held.kind, item, item.key if names is None else names.get(item.key, item.key))
        for item in held.items
    )


def _show(server: str, kind: ListKind, item: Item, name: str) -> Shown:
    if kind != "tools" and name == item.key:
        return Shown(server=server, key=item.key, name=name, body=item.body)
    value = parse_object(item.body)
    body = item.body
    if name != item.key:
        value = {**value, "name": name}
        body = render(value)
    return Shown(server=server, key=item.key, name=name, body=body, tokens=tokens_of(value) if kind == "tools" else 0)


@lru_cache(maxsize=_PARSED)
def _parsed(body: bytes) -> JsonObject:
    return parse_object(body)
