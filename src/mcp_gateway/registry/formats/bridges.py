"""Entries whose program only bridges to an address, as `npx mcp-remote URL`: the address is what was meant."""

import re
from pathlib import PurePath
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.registry.formats.values import named_texts, texts

_BRIDGE: Final = re.compile(r"mcp-remote(?:@[\w.^~-]+)?", re.ASCII)
_STARTERS: Final = frozenset({"npx", "npx.cmd", "bunx", "mcp-remote"})
_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def bridged(value: dict[str, Json]) -> dict[str, Json] | None:
    """The entry as it would be without its bridge; None for one that is none, or has options that would be lost."""
    command, arguments = value.get("command"), texts(value.get("args"))
    if not isinstance(command, str) or arguments is None or PurePath(command).name not in _STARTERS:
        return None
    rest = [one for one in arguments if one not in ("-y", "--yes") and not _BRIDGE.fullmatch(one)]
    is_bridge = PurePath(command).name == "mcp-remote" or len(rest) < len(
        [one for one in arguments if one not in ("-y", "--yes")]
    )
    if not is_bridge or not rest or not rest[0].startswith(("https://", "http://")):
        return None
    headers: dict[str, Json] = {}
    environment = named_texts(value.get("env")) or {}
    options = iter(rest[1:])
    for option in options:
        name, colon, text = next(options, "").partition(":")
        if option != "--header" or not colon or name in headers:
            return None
        headers[name.strip()] = _REFERENCE.sub(lambda found: environment.get(found[1], found[0]), text.strip())
    kept = {key: one for key, one in value.items() if key not in ("command", "args", "env", "type")}
    return {**kept, "url": rest[0], "headers": headers}
