"""What is kept about tokens: that one was issued, and that some are no longer believed. Never a token."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedToken:
    """One token of the embedded issuer. Times are seconds since 1970; `issued_by` is the subject who asked for it."""

    tenant: str
    jti: str
    subject: str
    roles: frozenset[str]
    name: str
    issued_at: float
    expires_at: float
    issued_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Revocation:
    """`value` is a token's id, or a subject whose tokens issued up to `not_before` are no longer believed, whoever issued them.

    Times are seconds since 1970. After `expires_at` no token it speaks of can still be valid, so it may be forgotten.
    """

    tenant: str
    kind: Literal["token", "subject"]
    value: str
    not_before: float
    expires_at: float
    at: float
    by: str
