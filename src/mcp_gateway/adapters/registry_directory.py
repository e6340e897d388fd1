"""Asks a registry for one server over HTTP: bounded, to addresses that were checked, and nowhere it redirects to."""

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.http_client import HttpClient, Outgoing
from mcp_gateway.core.protocol.frames import parse_object
from mcp_gateway.registry.model import ServerLimits
from mcp_gateway.registry.official.errors import NotInRegistry, RegistryAnswerOdd
from mcp_gateway.registry.official.names import is_registry_name
from mcp_gateway.registry.official.reading import Found, read_found

LIMITS: Final = ServerLimits(timeout_seconds=10.0, connect_seconds=5.0, max_answer_bytes=256 * 1024, calls_at_once=1)
# What errors call it.
NAME: Final = "The registry"


class RegistryDirectory:
    """Implements `registry.ports.Directory`. A connection is made for one question and closed after it."""

    def __init__(self, open_client: Callable[[str, Faults], HttpClient]) -> None:
        self._open = open_client

    async def look_up(self, registry: str, name: str) -> Found:
        """Raises `NotInRegistry`, `NoRemote`, `RegistryAnswerOdd`, and what `HttpClient.send` raises."""
        if not is_registry_name(name):
            raise NotInRegistry(f"{name[:100]!r} is no name of a registry.")
        http = self._open(registry.rstrip("/") + "/", Faults(NAME))
        try:
            target = f"{http.place.target.rstrip('/')}/v0.1/servers/{quote(name, safe='')}/versions/latest"
            answer = await http.send(Outgoing(head=b"accept: application/json\r\n", method=b"GET", target=target, reads=True))
            if answer.status == 404:
                raise NotInRegistry(f"The registry has no server {name}.", name=name)
            if answer.status != 200 or answer.body is None:
                raise RegistryAnswerOdd(f"The registry answers with status {answer.status}.", status=answer.status)
            try:
                document = parse_object(answer.body)
            except ValueError:
                raise RegistryAnswerOdd("The registry does not answer with JSON.") from None
            return read_found(document, name)
        finally:
            await http.close()
