"""What a registry says of a server, as far as it is used: where it is. Its packages are never looked at."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.registry.check import is_text
from mcp_gateway.registry.official.errors import NoRemote, RegistryAnswerOdd
from mcp_gateway.registry.orders import RemoteTransport

_TRANSPORTS: Final[dict[str, RemoteTransport]] = {"streamable-http": "http", "sse": "sse"}
_MAX_TITLE: Final = 200
_MAX_DESCRIPTION: Final = 2_000
_MAX_READ: Final = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """A header that the server's publisher says it wants."""

    header: str
    required: bool
    secret: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A server as a registry has it. Nothing of it was checked but its form."""

    name: str
    url: str = field(repr=False)
    transport: RemoteTransport
    title: str = ""
    description: str = ""
    version: str = ""
    wishes: tuple[Wish, ...] = ()


def read_found(document: Json, name: str) -> Found:
    """From the answer of `GET /v0.1/servers/{name}/versions/latest`. Raises `RegistryAnswerOdd`, `NoRemote`."""
    server = document.get("server") if isinstance(document, dict) else None
    if not isinstance(server, dict) or server.get("name") != name:
        raise RegistryAnswerOdd("The registry answers with something else than the server asked for.", name=name)
    remotes = server.get("remotes")
    for remote in remotes[:_MAX_READ] if isinstance(remotes, list) else ():
        if not isinstance(remote, dict):
            continue
        transport, url = _TRANSPORTS.get(str(remote.get("type"))), remote.get("url")
        if transport is None or not isinstance(url, str) or "{" in url:
            continue
        return Found(
            name=name,
            url=url,
            transport=transport,
            title=_text(server.get("title"), _MAX_TITLE),
            description=_text(server.get("description"), _MAX_DESCRIPTION),
            version=_text(server.get("version"), _MAX_TITLE),
            wishes=tuple(_wishes(remote.get("headers"))),
        )
    raise NoRemote(f"The registry has no address for {name} that can be used as it is.", name=name)


def _wishes(headers: Json) -> Iterator[Wish]:
    for one in headers[:_MAX_READ] if isinstance(headers, list) else ():
        name = _text(one.get("name"), 100) if isinstance(one, dict) else ""
        if name and isinstance(one, dict):
            yield Wish(header=name, required=one.get("isRequired") is True, secret=one.get("isSecret") is True)


def _text(value: Json, longest: int) -> str:
    """Plain text or nothing: it comes from whoever published the server."""
    return value[:longest] if isinstance(value, str) and is_text(value) else ""
