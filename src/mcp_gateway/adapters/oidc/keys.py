"""The keys of one provider: held, renewed before they end, kept while it is away, and looked for anew when one is missing.

Forged tokens cannot make the gateway ask the provider: a name that is not known causes one request, and then none for a while,
however many tokens carry however many names. Whoever waits for the same request shares it.
"""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from mcp_gateway.access.errors import TokenRefused
from mcp_gateway.access.tokens.ports import PublicKey
from mcp_gateway.access.tokens.refusals import refused
from mcp_gateway.adapters.oidc.discovery import ProviderMetadata
from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.adapters.oidc.http import Outbound
from mcp_gateway.adapters.oidc.key_set import KeySet, read_key_set
from mcp_gateway.adapters.oidc.known_metadata import FindMetadata, KnownMetadata
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.tasks import end_tasks

SHORTEST_SECONDS, LONGEST_SECONDS = 300.0, 86_400.0
UNSAID_SECONDS = 3_600.0
MISSING_KEY_SECONDS = 30.0
# While nothing is held, nobody gets in: try sooner.
NO_KEYS_SECONDS = 5.0
RENEW_AT = 0.8
STALE_SECONDS = 86_400.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Keys and when they came; `lifetime` is how long the provider vouches for them. Seconds on the monotonic clock."""

    keys: KeySet
    fetched_at: float
    lifetime: float


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyFacts:
    """What the health report says. Ages in seconds, None before the first success. `fault` is "" after a good request."""

    keys: int
    ignored: tuple[str, ...]
    age: float | None
    lifetime: float | None
    fault: str
    requests: int
    stale: bool


@dataclass(slots=True)
class _Attempts:
    last: float = field(default=float("-inf"))
    fault: ProviderUnusable | None = None
    count: int = 0


class ProviderKeys:
    """A `KeySource`. `find_metadata` says where the keys are; `stale_seconds` is how long they outlive their lifetime at most."""

    def __init__(
        self,
        name: str,
        outbound: Outbound,
        find_metadata: FindMetadata,
        clock: Clock,
        *,
        stale_seconds: float = STALE_SECONDS,
    ) -> None:
        self._name, self._outbound, self._clock = name, outbound, clock
        self._metadata = KnownMetadata(name, find_metadata, clock)
        self._stale_seconds = stale_seconds
        self._held: Held | None = None
        self._attempts = _Attempts()
        self._flight: asyncio.Task[None] | None = None
        self.withdrawals = 0

    async def find(self, kid: str | None, algorithm: str) -> PublicKey:
        held = await self._current()
        key = held.keys.find(kid, algorithm)
        if key is None:
            await self._ask_again(MISSING_KEY_SECONDS)
            key = (self._held or held).keys.find(kid, algorithm)
        if key is None:
            raise refused("unknown_key" if self._attempts.fault is None else "issuer_unreachable")
        return key.key

    async def metadata(self) -> ProviderMetadata:
        """What the provider says of itself, at most an hour old unless it is away. Raises `ProviderUnusable`."""
        return await self._metadata.get()

    @property
    def registers_programs(self) -> bool:
        """Whether the provider said that it lets programs register; false while it has said nothing."""
        metadata = self._metadata.held
        return metadata is not None and bool(metadata.registration_endpoint or metadata.accepts_client_documents)

    async def warm(self) -> None:
        """Fetch the keys unless they are held and not about to end; a provider that is away is for tokens and the report to say.

        Called now and then, it also learns of withdrawn keys while every token that comes is remembered.
        """
        with suppress(TokenRefused):
            await self._current()

    def facts(self) -> KeyFacts:
        held = self._held
        age = None if held is None else self._clock.monotonic() - held.fetched_at
        return KeyFacts(
            keys=0 if held is None else len(held.keys.keys),
            ignored=() if held is None else held.keys.ignored,
            age=age,
            lifetime=None if held is None else held.lifetime,
            fault="" if self._attempts.fault is None else self._attempts.fault.message,
            requests=self._attempts.count,
            stale=held is not None and age is not None and age > held.lifetime,
        )

    async def aclose(self) -> None:
        """End the request under way; nothing is asked afterwards."""
        await end_tasks(self._flight)
        await self._metadata.aclose()

    async def _current(self) -> Held:
        """Keys that may be used now. Raises `TokenRefused` issuer_unreachable."""
        now = self._clock.monotonic()
        held = self._held
        if held is None or now - held.fetched_at > held.lifetime + self._stale_seconds:
            await self._ask_again(NO_KEYS_SECONDS)
        elif now - held.fetched_at > held.lifetime:
            await self._ask_again(MISSING_KEY_SECONDS)
        elif now - held.fetched_at > held.lifetime * RENEW_AT and self._may_ask(MISSING_KEY_SECONDS):
            self._start()
        held = self._held
        if held is None or self._clock.monotonic() - held.fetched_at > held.lifetime + self._stale_seconds:
            raise refused("issuer_unreachable")
        return held

    def _may_ask(self, pause: float) -> bool:
        return self._clock.monotonic() - self._attempts.last >= pause

    async def _ask_again(self, pause: float) -> None:
        """Join the request under way, or make one when the last is `pause` seconds back."""
        flight = self._flight
        if flight is None or flight.done():
            if not self._may_ask(pause):
                return
            flight = self._start()
        # Whoever gives up waiting does not end it for the others.
        await asyncio.shield(flight)

    def _start(self) -> "asyncio.Task[None]":
        if self._flight is None or self._flight.done():
            self._attempts.last = self._clock.monotonic()
            self._attempts.count += 1
            self._flight = asyncio.get_running_loop().create_task(self._fetch(), name=f"keys-{self._name}")
        return self._flight

    async def _fetch(self) -> None:
        try:
            if self._attempts.fault is not None:
                self._metadata.doubt()
            metadata = await self.metadata()
            reply = await self._outbound.get(metadata.jwks_uri)
            keys = read_key_set(reply.document)
        except ProviderUnusable as fault:
            if self._attempts.fault is None or self._attempts.fault.kind != fault.kind:
                log.warning("provider_keys_not_fetched", provider=self._name, kind=fault.kind, error=fault.message)
            self._attempts.fault = fault
            return
        lifetime = cached_for(reply.headers.get("cache-control", ""))
        if self._held is not None and any(key not in keys.keys for key in self._held.keys.keys):
            self.withdrawals += 1
        self._held = Held(keys=keys, fetched_at=self._clock.monotonic(), lifetime=lifetime)
        self._attempts.fault = None
        log.info("provider_keys_fetched", provider=self._name, keys=len(keys.keys), ignored=len(keys.ignored))


def cached_for(cache_control: str) -> float:
    """Seconds the keys are used without asking: as the provider says, from 5 minutes to a day; an hour when it says nothing."""
    stated = re.search(r"(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])", cache_control, re.ASCII | re.IGNORECASE)
    if stated is None:
        forbids = "no-store" in cache_control.lower() or "no-cache" in cache_control.lower()
        return SHORTEST_SECONDS if forbids else UNSAID_SECONDS
    return min(max(float(stated[1]), SHORTEST_SECONDS), LONGEST_SECONDS)
