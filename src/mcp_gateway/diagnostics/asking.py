"""What every operations tool does first: check what was asked, and whose names the caller may see."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.errors import InvalidTenantName, InvalidTimeWindow, TenantNotYours
from mcp_gateway.diagnostics.signals.names import Names

MAX_WINDOW_MINUTES: Final = 1_440
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rights:
    """`sees_everybody`: whether a caller may see every tenant's name. `secret`: random bytes, the same throughout a process."""

    sees_everybody: Callable[[Caller], bool]
    secret: bytes = field(repr=False)

    def names(self, caller: Caller, tenant: str | None = None) -> Names:
        """For this caller, who asks about `tenant`. Raises `InvalidTenantName` and `TenantNotYours`."""
        everybody = self.sees_everybody(caller)
        if tenant is not None:
            checked_tenant(tenant)
            if not everybody and tenant != caller.tenant:
                raise TenantNotYours
        return Names(own=frozenset({caller.tenant}), everybody=everybody, secret=self.secret)


def checked_tenant(tenant: str) -> str:
    """No wildcard, no separator, nothing that could be taken for a pattern or a command. Raises `InvalidTenantName`."""
    if not _TENANT.fullmatch(tenant):
        raise InvalidTenantName  # the name is not repeated: it may be made to be
    return tenant


def window_seconds(minutes: int) -> float:
    """Raises `InvalidTimeWindow`."""
    if isinstance(minutes, bool) or not 1 <= minutes <= MAX_WINDOW_MINUTES:
        raise InvalidTimeWindow
    return minutes * 60.0
