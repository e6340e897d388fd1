"""Two definitions of one thing, compared: each difference by what it lets happen that was not approved.

    ==============================================================  ==========
    difference                                                      class
    ==============================================================  ==========
    words: title, description, examples, instructions               safe
    argument added, optional or required                            wider
    argument removed, no longer required                            safe
    argument that is required now                                   wider
    type, choices, limits: more or others                           wider
    type, choices, limits: fewer, tighter                           safe
    another default, another or no expression                       wider
    any hint (read-only, destructive, idempotent, open world)       wider
    what it returns: outputSchema                                   safe
    picture from a place where there was none                       wider
    user interface (`ui`, any `ui://`), output template             wider
    what the protocol reserves in `_meta`, other `_meta`            wider, safe
    a member nobody here knows                                      wider
    tool or prompt that came after the server was registered        wider
    resource or template that came after                            safe
    any text in which something suspicious is new                   suspicious
    ==============================================================  ==========

A hint is wider in both directions: what becomes destructive does more, and what calls itself harmless is asked about less. A
removed argument is safe, since nothing is sent that was not; its calls may fail.
"""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.core.protocol.words import APPS_EXTENSION
from mcp_gateway.registry.definitions.compare_schemas import compare_schemas
from mcp_gateway.registry.definitions.differences import Comparison, Difference
from mcp_gateway.registry.definitions.findings import is_suspicious
from mcp_gateway.registry.definitions.fingerprint import lasting
from mcp_gateway.registry.definitions.model import NAMED_BY, ChangeClass, Kind
from mcp_gateway.registry.definitions.suspicious import ALONE, Surroundings, find_suspicious

# What a hint says when it is left out (2025-06-18 and later).
_HINTS: Final[dict[str, bool]] = {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": False, "openWorldHint": True}
_HINT_WORDS: Final = {
    ("readOnlyHint", True): "says now that it only reads",
    ("readOnlyHint", False): "no longer says that it only reads",
    ("destructiveHint", True): "may destroy now",
    ("destructiveHint", False): "says now that it destroys nothing",
    ("idempotentHint", True): "says now that it may be repeated",
    ("idempotentHint", False): "may no longer be repeated",
    ("openWorldHint", True): "reaches out of its own world now",
    ("openWorldHint", False): "says now that it stays in its own world",
}
_SAFE: Final = frozenset({"title", "description", "outputSchema", "execution", "size", "audience", "priority", "text"})
_INTERFACE: Final = ("ui", "openai/", APPS_EXTENSION)
# Clients may act on what a later revision of the protocol, or an extension of it, puts there.
_RESERVED: Final = ("io.modelcontextprotocol/", "modelcontextprotocol.io/", "mcp/")
_NEW: Final[dict[Kind, ChangeClass]] = {
    "tools": "wider", "prompts": "wider", "resources": "safe", "templates": "safe", "instructions": "safe",
}  # fmt: skip


def compare(kind: Kind, before: JsonObject, after: JsonObject, around: Surroundings = ALONE) -> Comparison:
    """From `before`, which somebody approved, to `after`."""
    known = {(one.rule, one.matched or one.excerpt) for one in find_suspicious(before, around)}
    findings = tuple(one for one in find_suspicious(after, around) if (one.rule, one.matched or one.excerpt) not in known)
    was, now = lasting(before), lasting(after)
    differences = [one for key in sorted(was.keys() | now.keys()) for one in _member(kind, key, was, now)]
    return Comparison(differences=tuple(differences), findings=findings, suspicious=is_suspicious(findings))


def describe_new(kind: Kind, item: JsonObject, around: Surroundings = ALONE) -> Comparison:
    """Something that was not there when the server was registered."""
    findings = find_suspicious(item, around)
    new = Difference(path="", what=f"new: {item.get(NAMED_BY[kind])}", change=_NEW[kind], after=item)
    return Comparison(differences=(new,), findings=findings, suspicious=is_suspicious(findings))


def _member(kind: Kind, key: str, before: JsonObject, after: JsonObject) -> Iterator[Difference]:
    old, new = before.get(key), after.get(key)
    if old == new:
        return
    if key == "inputSchema":
        yield from compare_schemas(old, new, key)
    elif key == "arguments" and kind == "prompts":
        yield from compare_schemas(_prompt_schema(old), _prompt_schema(new), key)
    elif key == "annotations":
        yield from _annotations(old, new)
    elif key == "_meta":
        yield from _meta(old, new)
    elif key == "icons":
        moved = _hosts(new) - _hosts(old)
        what = f"picture from {', '.join(sorted(moved))}" if moved else "another picture"
        yield Difference(path=key, what=what, change="wider" if moved else "safe", before=old, after=new)
    elif key == "mimeType":
        page = isinstance(new, str) and "html" in new
        yield Difference(path=key, what="another type of content", change="wider" if page else "safe", before=old, after=new)
    else:
        safe = key in _SAFE or (key == "name" and kind in ("resources", "templates"))
        yield Difference(
            path=key, what="words changed" if safe else "changed", change="safe" if safe else "wider", before=old, after=new
        )


def _prompt_schema(arguments: Json) -> JsonObject:
    """Arguments of a prompt in the words of a schema, which are compared already."""
    listed = [one for one in arguments if isinstance(one, dict)] if isinstance(arguments, list) else []
    properties: JsonObject = {
        str(one.get("name")): {key: one[key] for key in ("title", "description") if key in one} for one in listed
    }
    return {"properties": properties, "required": [str(one.get("name")) for one in listed if one.get("required") is True]}


def _annotations(old: Json, new: Json) -> Iterator[Difference]:
    before, after = (value if isinstance(value, dict) else {} for value in (old, new))
    for key in sorted(before.keys() | after.keys()):
        if key in _HINTS:
            was, now = before.get(key, _HINTS[key]), after.get(key, _HINTS[key])
            if was != now:
                what = _HINT_WORDS.get((key, now), "changed") if isinstance(now, bool) else "changed"
                yield Difference(path=f"annotations.{key}", what=what, change="wider", before=was, after=now)
        elif before.get(key) != after.get(key):
            safe = key in _SAFE
            yield Difference(
                path=f"annotations.{key}",
                what="words changed" if safe else "changed",
                change="safe" if safe else "wider",
                before=before.get(key),
                after=after.get(key),
            )


def _meta(old: Json, new: Json) -> Iterator[Difference]:
    before, after = (value if isinstance(value, dict) else {} for value in (old, new))
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            interface = key.startswith(_INTERFACE) or any(_names_page(one.get(key)) for one in (before, after))
            reserved = key.startswith(_RESERVED)
            yield Difference(
                path=f"_meta.{key}",
                what="another user interface" if interface else "changed",
                change="wider" if interface or reserved else "safe",
                before=before.get(key),
                after=after.get(key),
            )


def _names_page(value: Json) -> bool:
    """Whether a client that knows this key may show a page of the server's for it."""
    if isinstance(value, str):
        return value[:5].lower() == "ui://"
    if isinstance(value, dict | list):
        return any(map(_names_page, value.values() if isinstance(value, dict) else value))
    return False


def _hosts(icons: Json) -> frozenset[str]:
    sources = [one.get("src") for one in icons if isinstance(one, dict)] if isinstance(icons, list) else []
    return frozenset(_host(source) for source in sources if isinstance(source, str) and not source.startswith("data:"))


def _host(source: str) -> str:
    try:
        return urlsplit(source).netloc or source[:80]
    except ValueError:
        return source[:80]
