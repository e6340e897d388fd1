"""What goes wrong with a provider, by kind: `auth doctor` explains each kind, tokens are refused with it."""

from typing import Literal, TypeAlias

from mcp_gateway.core.errors import Json, Unavailable

FaultKind: TypeAlias = Literal[
    "address", "name", "egress", "connect", "tls", "timeout", "status", "redirect", "too_large", "content",
    "metadata", "issuer", "keys", "grant",
]  # fmt: skip


class ProviderUnusable(Unavailable):
    """The login provider cannot be used."""

    code = "PROVIDER_UNUSABLE"
    hint = "`mcp-gateway auth doctor` tries each step and says what to change where."

    def __init__(self, kind: FaultKind, message: str, **facts: Json) -> None:
        """`facts` may be shown: addresses and status codes, never what was sent along."""
        super().__init__(message)
        self.kind: FaultKind = kind
        self.data = {"kind": kind, **facts}
