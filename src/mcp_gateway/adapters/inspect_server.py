"""Looks at one server over a link: connects, asks what it is, reads its lists, and explains what it found."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import structlog

from mcp_gateway.adapters.egress import LOOPBACK, Network, plain, within
from mcp_gateway.adapters.inspecting import findings
from mcp_gateway.adapters.inspecting.reading import ReadList, read_list
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, TimedOut
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.federation.errors import UpstreamRefused
from mcp_gateway.federation.model import Client, UpstreamFacts
from mcp_gateway.federation.ports import Link
from mcp_gateway.registry.inspection import AuthNeeded, Finding, Inspection, ListKind
from mcp_gateway.registry.model import Server

# All of it together, however patient the server's own limits are.
MOST_SECONDS: Final = 30.0
CLOSE_SECONDS: Final = 2.0
# So that nobody makes this machine knock at many doors at once; the others wait for their turn.
AT_ONCE: Final = 8
TURN_SECONDS: Final = 60.0
_CAPABILITY: Final[dict[ListKind, str]] = {
    "tools": "tools",
    "prompts": "prompts",
    "resources": "resources",
    "templates": "resources",
}
_MOST_WORDS: Final = 50

# Told a list of a server.
Observe: TypeAlias = Callable[[Server, ListKind, Sequence[JsonObject]], Awaitable[None]]

_BUSY: Final = Finding(
    code="busy",
    severity="warning",
    message="Too many servers are being looked at; nobody looked at this one.",
    hint="`mcp-gateway servers test NAME` looks at it later.",
)

log = structlog.get_logger(__name__)


class InspectServer:
    """Implements `registry.ports.Inspecting`. `make_link` makes a new link each time, which is closed afterwards.

    `challenge` is asked what login a server wants that refuses the gateway; `allowed` are the networks that are the operator's.
    `observe` is told every list that was read whole, so that what was looked at is what is locked.
    """

    def __init__(
        self,
        make_link: Callable[[Server], Link],
        clock: Clock,
        *,
        version: str,
        challenge: Callable[[Server, Client], Awaitable[AuthNeeded | None]] | None = None,
        allowed: Callable[[], Sequence[Network]] = tuple,
        observe: Observe | None = None,
    ) -> None:
        self._make_link, self._clock, self._version = make_link, clock, version
        self._challenge, self._allowed, self._observe = challenge, allowed, observe
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def inspect(self, server: Server, caller: Caller) -> Inspection:
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            busy = replace(_BUSY, hint=_BUSY.hint.replace("NAME", server.name))
            return Inspection(server=server.name, reachable=False, findings=(busy,))
        try:
            return await self._inspect(server, caller)
        finally:
            self._turns.release()

    async def _inspect(self, server: Server, caller: Caller) -> Inspection:
        client = Client(caller=caller, info={"name": "mcp-gateway", "version": self._version})
        look = _Look(server, client, self._clock)
        link: Link | None = None
        try:
            async with asyncio.timeout(min(MOST_SECONDS, server.limits.timeout_seconds + server.limits.connect_seconds)):
                link = self._make_link(server)
                await look.at(link, in_clear=self._in_clear(server.url))
        except TimeoutError:
            look.failed(TimedOut("It took too long.", hint="Ask whoever runs it; a slower server needs timeout_seconds."))
        except GatewayError as error:
            look.failed(error)
            if isinstance(error, UpstreamRefused):
                look.refused = True
                look.auth = await self._challenge(server, client) if self._challenge is not None and server.url else None
        except Exception:
            # A server must not be able to keep itself from being registered, tested or removed.
            log.exception("inspection_failed", server=server.name)
            look.failed(GatewayError("It answers in a way nobody foresaw."))
        finally:
            await _closed(link)
        await self._lock(server, look.lists)
        return look.told()

    async def _lock(self, server: Server, lists: Sequence[ReadList]) -> None:
        """While the store is away nothing new is offered, so there is nothing to lose."""
        if self._observe is None:
            return
        for read in lists:
            try:
                if read.complete:
                    await self._observe(server, read.kind, read.items)
            except GatewayError as error:
                log.warning("list_not_locked", server=server.name, kind=read.kind, code=error.code)

    def _in_clear(self, url: str) -> bool:
        """By its name alone: plain http to what is neither this machine nor in the operator's networks."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "http" or host == "localhost" or host.endswith((".local", ".internal", ".svc", ".localhost")):
            return False
        address = plain(host)
        if address is None:
            # A name without dots is of an inner network, and reached only where that is allowed.
            return "." in host
        return not any(within(address, net) for net in (*LOOPBACK, *self._allowed()))


class _Look:
    """What was found so far; whatever stops it, that is told."""

    def __init__(self, server: Server, client: Client, clock: Clock) -> None:
        self._server, self._client, self._clock = server, client, clock
        self._facts: UpstreamFacts | None = None
        self._took: list[float] = []
        self.lists: list[ReadList] = []
        self._found: list[Finding] = []
        self._in_clear = False
        self._doing = "It could not be connected to"
        self.auth: AuthNeeded | None = None
        self.refused = False

    async def at(self, link: Link, *, in_clear: bool) -> None:
        self._in_clear = in_clear
        begun = self._clock.monotonic()
        self._facts = await link.facts(self._client)
        self._took.append((self._clock.monotonic() - begun) * 1000)
        for kind, capability in _CAPABILITY.items():
            if capability in self._facts.capabilities:
                await self._read(link, kind)

    async def _read(self, link: Link, kind: ListKind) -> None:
        """A list that cannot be read does not keep the others from being read."""
        self._doing = f"Its {kind} could not be read"
        try:
            most = self._server.limits.max_list_bytes
            read = await read_list(link, kind, self._client, self._clock, max_bytes=most)
        except GatewayError as error:
            # Servers with resources need not have templates, and some say so with an error.
            if kind != "templates":
                self.failed(error)
            return
        self.lists.append(read)
        self._took.append(read.took_ms)

    def failed(self, error: GatewayError) -> None:
        self._found.append(findings.of_failure(error, self._doing))

    def told(self) -> Inspection:
        facts, latency = self._facts, min(self._took, default=None)
        found = list(self._found)
        if facts is None or latency is None:
            return Inspection(
                server=self._server.name, reachable=self.refused, auth=self.auth, findings=findings.gravest_first(found)
            )
        found += findings.of_facts(self._server, facts, latency, in_clear=self._in_clear)
        for read in self.lists:
            found += findings.of_list(self._server, read, modern=facts.era == "modern")
        return Inspection(
            server=self._server.name,
            reachable=True,
            era=facts.era,
            revision=facts.revision,
            supported=_words(facts.supported),
            name=_text(facts.info, "name"),
            version=_text(facts.info, "version"),
            capabilities=_words((*sorted(facts.capabilities), *sorted(object_at(facts.capabilities, "extensions")))),
            lists=tuple(read.facts() for read in self.lists),
            latency_ms=latency,
            auth=self.auth,
            findings=findings.gravest_first(found),
        )


async def _closed(link: Link | None) -> None:
    if link is None:
        return
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await link.close()
    except TimeoutError:
        log.warning("link_not_closed", server=link.name)


def _text(info: JsonObject, key: str) -> str:
    value = info.get(key)
    return findings.plain(value) if isinstance(value, str) else ""


def _words(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(findings.plain(word) for word in words[:_MOST_WORDS])
