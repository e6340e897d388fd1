"""The ways a URI can be written that mean one thing, so that a rule about it cannot be passed by writing it otherwise.

RFC 3986, 6.2.2: scheme and host whatever their case, `%41` is `A`, `/a/../b` is `/b`; of 6.2.3 a scheme's own port and the
empty host of a file. Beyond it: servers read `%2F` as a slash, so for denying that counts too. Paths keep their case.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PARTS: Final = re.compile(r"(?:(?P<scheme>[^:/?#]+):)?(?://(?P<authority>[^/?#]*))?(?P<path>[^?#]*)(?P<rest>.*)", re.DOTALL)
# In a pattern `?` stands for a character and `*` for many, of the scheme and the host too.
_HEAD_OF_PATTERN: Final = re.compile(r"[^:/]+:(?://[^/]*)?|//[^/]*")
_SLASHES: Final = re.compile(r"[/\\]+")
_OWN_PORT: Final = {"http": ":80", "https": ":443", "ws": ":80", "wss": ":443", "ftp": ":21"}


@dataclass(frozen=True, slots=True)
class Writings:
    """`same` are those a rule that allows must fit, every one; a deny that fits one of `same` or `read` denies."""

    same: tuple[str, ...]
    read: tuple[str, ...]


def writings(uri: str) -> Writings:
    normal = _normal(uri)
    straight = _straight(normal)
    decoded = unquote(normal)
    again = _normal(decoded)
    real = _straight(again)
    same = (uri, normal, straight) if real == again else (uri, normal, straight, real)
    return Writings(tuple(dict.fromkeys(same)), tuple(dict.fromkeys((decoded, real, _without_empty(real)))))


def normal_pattern(pattern: str) -> str:
    """A pattern as it fits what `writings` makes of a URI: the same where nothing in it has another way to be written."""
    plain = _ESCAPE.sub(_one_way, pattern)
    head = _HEAD_OF_PATTERN.match(plain)
    return plain.lower() if head is None else plain[: head.end()].lower() + plain[head.end() :]


def _normal(uri: str) -> str:
    parts = _PARTS.fullmatch(_ESCAPE.sub(_one_way, uri))
    if parts is None or parts["scheme"] is None:
        return uri
    scheme, authority, path = parts["scheme"].lower(), parts["authority"], parts["path"]
    if authority is not None:
        user, at, host = authority.rpartition("@")
        host = host.lower().removesuffix(_OWN_PORT.get(scheme, ":")).removesuffix(":")
        authority = "" if scheme == "file" and host == "localhost" else f"{user}{at}{host}"
    elif scheme == "file" and path.startswith("/"):
        authority = ""
    if authority is not None and scheme in _OWN_PORT and not path:
        path = "/"
    return f"{scheme}:{'' if authority is None else f'//{authority}'}{path}{parts['rest']}"


def _straight(uri: str) -> str:
    """Without `.` and `..` (RFC 3986, 5.2.4)."""
    parts = _PARTS.fullmatch(uri)
    if parts is None or not parts["path"].startswith("/"):
        return uri
    kept: list[str] = []
    segments = parts["path"][1:].split("/")
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return f"{uri[: parts.start('path')]}/{'/'.join(kept)}{parts['rest']}"


def _without_empty(uri: str) -> str:
    """With one slash for many, as servers of files have it."""
    parts = _PARTS.fullmatch(uri)
    if parts is None:
        return uri
    return f"{uri[: parts.start('path')]}{_SLASHES.sub('/', parts['path'])}{parts['rest']}"


def _one_way(escape: "re.Match[str]") -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()
