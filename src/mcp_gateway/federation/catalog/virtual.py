"""Tools of a virtual server: renamed, reworded, with arguments taken out of sight or filled in. Pure."""

from collections.abc import Collection, Sequence
from typing import Final

from mcp_gateway.core.errors import InvalidInput, Json
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.federation.catalog.names import shorten
from mcp_gateway.registry.model import Selected

_PROPERTIES: Final = "properties"


class HiddenArgument(InvalidInput):
    """This argument may not be given here."""

    code = "HIDDEN_ARGUMENT"
    hint = "Leave it out; the tool's input schema names the arguments it takes."


def names_of(selection: Sequence[Selected]) -> dict[str, Selected]:
    """What each is called here. Of two of one name the second gets its server's in front, and the third a number."""
    named: dict[str, Selected] = {}
    for one in selection:
        wanted = shorten(one.name or one.tool)
        if wanted in named:
            wanted = shorten(f"{one.server}_{one.name or one.tool}")
        called, tries = wanted, 1
        while called in named:
            tries += 1
            called = shorten(f"{wanted}_{tries}")
        named[called] = one
    return named


def show(tool: JsonObject, name: str, selected: Selected) -> JsonObject:
    """The definition as this virtual server gives it."""
    shown = {**tool, "name": name}
    if selected.description is not None:
        shown["description"] = selected.description
    gone = selected.hidden | selected.preset.keys()
    if gone:
        shown["inputSchema"] = without(object_at(tool, "inputSchema"), gone)
    return shown


def without(schema: JsonObject, names: Collection[str]) -> JsonObject:
    """The schema of an object that has no such members."""
    changed = dict(schema)
    if _PROPERTIES in schema:
        changed[_PROPERTIES] = {name: one for name, one in object_at(schema, _PROPERTIES).items() if name not in names}
    required = schema.get("required")
    if isinstance(required, list):
        left: list[Json] = [name for name in required if name not in names]
        changed["required"] = left
        if not left:
            del changed["required"]
    return changed


def fill(params: JsonObject, selected: Selected) -> JsonObject:
    """The parameters of a call as the server expects them. Raises `HiddenArgument`."""
    arguments = params.get("arguments")
    given = arguments if isinstance(arguments, dict) else {}
    refused = sorted(given.keys() & (selected.hidden | selected.preset.keys()))
    if refused:
        raise HiddenArgument(f"This tool takes no {', '.join(refused)[:200]} here.", arguments=[*refused])
    filled = {**params, "name": selected.tool}
    if selected.preset:
        filled["arguments"] = {**given, **selected.preset}
    return filled
