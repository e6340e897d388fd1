"""Programs, what they ask for and what they were given, as values."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from mcp_gateway.core.identity import Caller

ClientKind: TypeAlias = Literal["document", "registered"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """A program. `kind` document: its id is the https address of its own description, whose host vouches for it.

    A registered one calls itself what it likes: nobody vouches for the name.
    """

    client_id: str
    kind: ClientKind
    name: str
    redirect_uris: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request for a login that was found in order. `scopes` are what the program wants, never more than what exists.

    `issuer` is the address the gateway was asked at, `resource` the exact URL the token is for; `state` None: none was sent.
    """

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    resource: str
    challenge: str
    issuer: str
    state: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A request that waits for somebody's decision. `request_id` ties the decision to what was shown."""

    request_id: str
    asked: Asked


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """What somebody agreed to. Times are seconds since 1970; after `ends_at` the program has to send them here again."""

    grant_id: str
    caller: Caller
    client_id: str
    client_name: str
    scopes: frozenset[str]
    resource: str
    given_at: float
    ends_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """An authorization code's other half."""

    grant: Grant
    redirect_uri: str
    challenge: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """What a program gets. `expires_in` in seconds; `refresh` is good once."""

    access: str
    refresh: str
    expires_in: int
    scopes: frozenset[str]
