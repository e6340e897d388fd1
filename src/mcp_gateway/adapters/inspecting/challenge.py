"""What a server that wants a login says about it: `WWW-Authenticate` (RFC 6750) and its resource metadata (RFC 9728).

Asked without any credential. All of it is the word of a stranger: one further address is looked at, by the same rules as the
server's own, and never one of another host.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.http_client import Outgoing
from mcp_gateway.adapters.links.sending import Sending
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.protocol.frames import JsonObject, parse_object
from mcp_gateway.federation.model import Client
from mcp_gateway.registry.inspection import AuthNeeded
from mcp_gateway.registry.model import Credential, Server, ServerLimits

MAX_BYTES: Final = 65_536
_SECONDS: Final = 5.0
_MOST: Final = 10
_CHALLENGE: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,30})(?:\s|$)")
_PARAMETER: Final = re.compile(r'([a-z_]{1,40})="([^"\\\x00-\x1f]{0,1000})"')
_WORD: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")
_JSON_POST: Final = b"content-type: application/json\r\naccept: application/json, text/event-stream\r\n"
_PING: Final = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'


class Challenges:
    """`sending_of` opens a way to a server over HTTP, by the rules all links are held to."""

    def __init__(self, sending_of: Callable[[Server], Sending]) -> None:
        self._sending_of = sending_of

    async def of(self, server: Server, client: Client) -> AuthNeeded | None:
        """None: it wants none, or does not say. Never raises for what is wrong with the server."""
        limits = ServerLimits(
            timeout_seconds=min(_SECONDS, server.limits.timeout_seconds),
            connect_seconds=server.limits.connect_seconds,
            max_answer_bytes=MAX_BYTES,
            calls_at_once=1,
        )
        stranger = replace(server, credential=Credential(), limits=limits)
        answer = await self._ask(stranger, Outgoing(head=_JSON_POST, body=_PING, reads=True), client)
        if answer is None or answer.status not in (401, 403):
            return None
        header = answer.headers.get(b"www-authenticate", b"").decode("latin-1")[:8_192]
        scheme = _CHALLENGE.match(header)
        said = dict(_PARAMETER.findall(header))
        url = _same_host(server.url, said.get("resource_metadata", "")) or _well_known(server.url)
        metadata = await self._metadata(replace(stranger, url=url), client)
        if not _is_about(metadata, server.url):
            metadata = {}
        return AuthNeeded(
            scheme=scheme[1].lower() if scheme else "",
            resource_metadata=url if metadata else "",
            authorization_servers=_words(metadata.get("authorization_servers")),
            scopes=_words(said.get("scope", "").split()) or _words(metadata.get("scopes_supported")),
        )

    async def _metadata(self, server: Server, client: Client) -> JsonObject:
        outgoing = Outgoing(head=b"accept: application/json\r\n", method=b"GET", reads=True)
        answer = await self._ask(server, outgoing, client)
        if answer is None or answer.status != 200 or answer.body is None:
            return {}
        try:
            return parse_object(answer.body)
        except ValueError:
            return {}

    async def _ask(self, server: Server, outgoing: Outgoing, client: Client) -> Answer | None:
        sending: Sending | None = None
        try:
            sending = self._sending_of(server)
            answer = await sending.send(outgoing, client)
            answer.leave()
        except GatewayError:
            return None
        else:
            return answer
        finally:
            if sending is not None:
                await sending.close()


def _same_host(url: str, metadata: str) -> str:
    """The address named, when it is on the server's own host and no less protected; "" otherwise."""
    try:
        own, named = urlsplit(url), urlsplit(metadata)
        same = (own.scheme, own.hostname, own.port) == (named.scheme, named.hostname, named.port)
    except ValueError:
        return ""
    return metadata if same and _WORD.fullmatch(metadata) and named.username is None else ""


def _well_known(url: str) -> str:
    """RFC 9728, 3.1: between the host and the path."""
    parts = urlsplit(url)
    path = "" if parts.path == "/" else parts.path
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{path}"


def _is_about(metadata: JsonObject, url: str) -> bool:
    """RFC 9728, 3.3: what names another resource is not to be used. Servers name their host alone, too."""
    named = metadata.get("resource")
    if not isinstance(named, str):
        return False
    parts = urlsplit(url)
    plain = f"{parts.scheme}://{parts.netloc}"
    return named.rstrip("/") in (plain, f"{plain}{parts.path}".rstrip("/"))


def _words(value: Json) -> tuple[str, ...]:
    found = [one for one in value if isinstance(one, str) and _WORD.fullmatch(one)] if isinstance(value, list) else []
    return tuple(found[:_MOST])
