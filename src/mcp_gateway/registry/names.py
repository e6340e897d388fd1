"""Names of servers and virtual servers: one set for both and for all tenants, for each is an address below /servers/."""

import re
from typing import Final

MAX_NAME: Final = 40
# Addresses and rule targets that are the gateway's own.
RESERVED: Final = frozenset({"gateway", "ask", "tables", "glossary", "ops", "diagnostics", "mcp", "explain"})
NAME_RULE: Final = f"Use lower-case letters, digits and dashes, at most {MAX_NAME}, with a letter or digit at either end."
_NAME: Final = re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{MAX_NAME - 2}}}[a-z0-9])?", re.ASCII)


def is_name(text: str) -> bool:
    """Whether it can be a server's name, reserved or not."""
    return _NAME.fullmatch(text) is not None
