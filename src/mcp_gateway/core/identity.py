"""Who is calling. Every use case takes the `Caller` first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """`tenant` scopes whatever is stored; `subject` is stable per person or program within the tenant, whoever issued the token.

    Two callers are equal when these two are; the rest is what the credential of this request said. `scopes` None: it said
    nothing of scopes, so they narrow nothing. `credential` is a fingerprint for the audit trail, never the token itself.
    `attributes` are further claims a row filter may compare with.
    """

    tenant: str
    subject: str
    roles: frozenset[str] = field(default=frozenset(), compare=False)
    scopes: frozenset[str] | None = field(default=None, compare=False)
    name: str = field(default="", compare=False)
    issuer: str = field(default="", compare=False)
    credential: str = field(default="", compare=False)
    attributes: Mapping[str, str] = field(default_factory=lambda: NO_ATTRIBUTES, compare=False)


# Whoever sits at this machine: the command line, and everybody while login is switched off on loopback.
LOCAL_CALLER = Caller(tenant="local", subject="local", roles=frozenset({"admin"}))
