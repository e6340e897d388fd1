"""Names as registries have them: a domain the other way round, a slash, and the server's own name."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

MAX_NAME: Final = 200
_NAME: Final = re.compile(r"[A-Za-z0-9.-]+/[A-Za-z0-9._-]+", re.ASCII)
# For a gateway that has no name of its own in the DNS.
_NAMELESS: Final = "io.mcp-gateway"


def is_registry_name(text: str) -> bool:
    """Whether it could be a server's name in a registry."""
    return len(text) <= MAX_NAME and _NAME.fullmatch(text) is not None


def namespace_of(origin: str) -> str:
    """What comes before the slash in the names of all servers of a gateway reached at this origin."""
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        host = ""
    labels = [label for label in host.split(".") if label]
    if len(labels) < 2 or _is_address(host):
        return f"{_NAMELESS}.{re.sub(r'[^a-z0-9]+', '-', host).strip('-') or 'localhost'}"
    return ".".join(reversed([re.sub(r"[^a-z0-9-]+", "-", label) for label in labels]))[: MAX_NAME // 2]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
