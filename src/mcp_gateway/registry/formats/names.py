"""From the names people give servers in their clients to names of servers here."""

import re
from collections.abc import Collection
from typing import Final

from mcp_gateway.registry.names import MAX_NAME, RESERVED

_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9]+", re.ASCII)


def usable_name(said: str, taken: Collection[str]) -> str:
    """The nearest name that may be used and is not taken."""
    name = _NOT_IN_NAMES.sub("-", said[:500].lower()).strip("-")[:MAX_NAME].strip("-") or "server"
    if name in RESERVED:
        name = f"{name}-server"
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name[: MAX_NAME - len(str(number)) - 1].rstrip('-')}-{number}"
    return free
