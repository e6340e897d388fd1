"""Whether something may be hurt: this machine's own services may, others only when their host is named a second time."""

import socket
from ipaddress import ip_address

from mcp_gateway.adapters.faults.errors import FaultTargetRefused
from mcp_gateway.core.errors import InvalidInput


def check_host(host: str, *, allowed: str | None) -> None:
    """Every address it stands for must be of this machine. Raises `FaultTargetRefused`; `InvalidInput` when it has none."""
    if allowed is not None and allowed.casefold() == host.casefold():
        return
    try:
        found = socket.getaddrinfo(host, None)
    except OSError as error:
        raise InvalidInput(f"There is no host {host[:100]}.") from error
    addresses = [str(address[0]).partition("%")[0] for *_, address in found]
    if not all(ip_address(one).is_loopback for one in addresses):
        raise FaultTargetRefused(f"{host[:100]} is not this machine: faults are put into its own services only.", host=host[:100])
