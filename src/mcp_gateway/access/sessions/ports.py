"""Where sessions are kept (texts under keys that end by themselves), and providers people can log in at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from mcp_gateway.core.identity import Caller

# Called with the key that ended, or None when any may have.
EndListener: TypeAlias = Callable[[str | None], None]


class SessionStore(Protocol):
    """Keys are made by `Sessions` and hold no secret. Every method raises `SessionsAway` while the store does not answer."""

    async def put(self, key: str, text: str, *, ttl_seconds: float, owner: str = "") -> None:
        """Keep the text for so long, in place of what was there. `owner`: whose keys `remove_all` takes away together."""
        ...

    async def get(self, key: str) -> str | None:
        """None: there is nothing, or no longer."""
        ...

    async def take(self, key: str) -> str | None:
        """As `get`, and it is gone: of many who ask at once, one gets it."""
        ...

    async def extend(self, key: str, ttl_seconds: float) -> bool:
        """Keep it for so long from now; false when there is nothing."""
        ...

    async def remove(self, key: str) -> bool:
        """Take it away at once, for every replica; whether there was anything."""
        ...

    async def remove_all(self, owner: str) -> int:
        """Take away every key of the owner; how many there were."""
        ...

    def on_end(self, listener: EndListener) -> None:
        """Call `listener` when somebody, in any replica, takes a key away; not when one ends by itself."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class BegunLogin:
    """A login under way at a provider. `kept` is what finishing it needs (nonce, code verifier); it never leaves the gateway."""

    url: str
    state: str
    kept: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedLogin:
    """Who logged in. `expires_at` is when what the provider said ends; None: it did not say."""

    caller: Caller
    expires_at: datetime | None = None


class LoginProvider(Protocol):
    """One provider people or programs get tokens from. `issuer` is what metadata names as the authorization server."""

    @property
    def name(self) -> str:
        """The name in the access file; part of addresses."""
        ...

    @property
    def title(self) -> str:
        """What the button on the page says."""
        ...

    @property
    def issuer(self) -> str: ...

    @property
    def signs_in(self) -> bool:
        """Whether the page can send people there: it has a client id."""
        ...

    @property
    def registers_programs(self) -> bool:
        """Whether programs can register there themselves; false while that is not known."""
        ...

    async def begin_login(self, redirect_uri: str) -> BegunLogin:
        """Authorization code with PKCE. Raises `GatewayError`."""
        ...

    async def finish_login(self, redirect_uri: str, kept: str, parameters: Mapping[str, str]) -> FinishedLogin:
        """`parameters` are what the provider sent the browser back with; `state` was compared before. Raises `TokenRefused`."""
        ...
