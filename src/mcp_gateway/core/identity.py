"""Who is calling. Every use case takes the `Caller` first."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """`tenant` scopes whatever is stored; `subject` is stable per person or program within the tenant."""

    tenant: str
    subject: str


# The one caller of a gateway without login: whoever can reach its loopback port.
LOCAL_CALLER = Caller(tenant="local", subject="local")
