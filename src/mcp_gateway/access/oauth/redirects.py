"""Where a program may have its answer sent: the exact addresses it named, https or this machine's loopback; nothing else.

On loopback the port is chosen when a program starts, so there any port is right (RFC 8252, section 7.3). Hosts that only look
like loopback, user names, fragments, backslashes and other schemes are never addresses of a program.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

MAX_URI_CHARS: Final = 500
_LOOPBACK: Final = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?([/?].*)?", re.ASCII)
# Brackets stand around the whole host: Python finds "::1" in "somebody.example[::1]", and no browser finds anything there.
_AUTHORITY: Final = re.compile(r"(\[[^\[\]@]+\]|[^\[\]@:]+)(:[0-9]*)?", re.ASCII)
_PLAIN: Final = re.compile(r"[!#-;=?-\[\]_a-z~%]+", re.ASCII)


def is_acceptable(uri: str) -> bool:
    """Whether a program may name this at all."""
    if not 0 < len(uri) <= MAX_URI_CHARS or not _PLAIN.fullmatch(uri) or "#" in uri:
        return False
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or not _AUTHORITY.fullmatch(parts.netloc) or port == 0 or not _is_host(host):
        return False
    return uri.startswith("https://") or is_loopback(uri)


def is_loopback(uri: str) -> bool:
    return _LOOPBACK.fullmatch(uri) is not None


def fits(asked: str, known: Iterable[str]) -> bool:
    """Whether `asked` is one of the addresses a program named: character by character, but for the port on loopback."""
    if not is_acceptable(asked):
        return False
    return any(asked == one or (_without_port(asked) is not None and _without_port(asked) == _without_port(one)) for one in known)


def _is_host(host: str) -> bool:
    """What ends in a number is an IPv4 address or nothing at all (WHATWG URL, "ends in a number")."""
    if ":" not in host and not host.rstrip(".").rpartition(".")[2].isdigit():
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def host_of(uri: str) -> str:
    """For people to read: the host, and "this computer" for loopback."""
    return "this computer" if is_loopback(uri) else (urlsplit(uri).hostname or "")


def _without_port(uri: str) -> tuple[str, str] | None:
    found = _LOOPBACK.fullmatch(uri)
    return None if found is None else (found[1], found[2] or "/")
