"""What stands between a caller whom the policy lets through and a tool: its server, its definition, its name. Pure."""

from datetime import UTC, datetime
from typing import Final

from mcp_gateway.federation.catalog.names import Names
from mcp_gateway.federation.health.history import Health
from mcp_gateway.federation.why.model import Step
from mcp_gateway.registry.definitions.model import Record
from mcp_gateway.registry.model import Server
from mcp_gateway.registry.ports import Fault

_FAULTS: Final[dict[Fault, str]] = {
    "unreadable": "what is stored of it cannot be read",
    "credential_lost": "its credential cannot be opened any more",
}


def registered(server: Server, fault: Fault | None) -> Step:
    broken = _FAULTS.get(fault) if fault is not None else None
    where = {"store": "in the store", "file": "in the servers file", "built_in": "in the program"}[server.source]
    detail = f"{server.name} stands {where}" + (f", but {broken}" if broken else "")
    return Step(step="server_registered", passed=broken is None, detail=detail)


def unregistered(name: str) -> Step:
    what = f"there is no server {name[:100]}" if name else "no server is known to have it"
    return Step(step="server_registered", passed=False, detail=f"{what}, or it may not be seen")


def of_tenant(server: Server, tenant: str) -> Step:
    if not server.tenant:
        return Step(step="server_tenant", passed=True, detail="it is for every tenant")
    mine = server.tenant == tenant
    return Step(step="server_tenant", passed=mine, detail="it is the caller's own tenant's" if mine else "it is another tenant's")


def enabled(server: Server) -> Step:
    return Step(step="server_enabled", passed=server.enabled, detail="switched on" if server.enabled else "switched off")


def healthy(health: Health | None) -> Step:
    if health is None or health.condition == "unknown":
        return Step(step="server_health", passed=None, detail="not looked at here yet")
    since = datetime.fromtimestamp(health.since, tz=UTC).isoformat(timespec="seconds")
    if health.condition == "up":
        return Step(step="server_health", passed=True, detail=f"it answers, since {since}")
    return Step(step="server_health", passed=False, detail=f"it does not answer, since {since}: {health.code}")


def standing(record: Record | None, *, managing: bool) -> Step:
    """`managing`: whoever asks may be told why it is held back."""
    if record is None:
        return Step(step="definition", passed=None, detail="its server was not seen to list it")
    if record.status == "offered":
        return Step(step="definition", passed=True, detail="offered as it was approved")
    why = f", {record.verdict}: {'; '.join(record.reasons[:5])}" if managing and record.reasons else ""
    held = "waits for approval" if record.status == "waiting" else "is blocked"
    return Step(step="definition", passed=False, detail=f"{held}{why}")


def named(names: Names, server: Server, name: str) -> Step:
    """Never in the way: what is taken gets another name."""
    listed = names.listed.get(server.name, {}).get(name)
    if listed is None:
        return Step(step="name", passed=None, detail=f"in /mcp it would begin as {server.prefix}{name[:200]}")
    finding = next((one for one in names.findings if (one.server, one.name) == (server.name, name)), None)
    said = f"listed as {listed} in /mcp"
    if finding is not None and finding.code == "NAME_TAKEN":
        said += f": {server.prefix}{name[:200]} is taken by an older server, or the gateway's own"
    elif finding is not None:
        said += ": its whole name is longer than clients take"
    elif server.prefix:
        said += f", with the prefix {server.prefix}"
    return Step(step="name", passed=True, detail=said)


def advice(server: Server, name: str, steps: tuple[Step, ...]) -> tuple[str, ...]:
    """What whoever manages the server can do about the first thing in the way."""
    words = {
        "server_registered": f"Send its credential anew: `mcp-gateway servers update {server.name} --bearer-file FILE`.",
        "server_tenant": "It is to be registered for this tenant, or by an operator for every tenant.",
        "server_enabled": f"Switch it on: `mcp-gateway servers enable {server.name}`.",
        "server_health": f"`mcp-gateway servers test {server.name}` says what stands in the way.",
        "definition": f"Look and decide: `mcp-gateway tools diff {server.name} {name[:200]}`, then `tools approve`.",
    }
    first = next((one.step for one in steps if one.passed is False), None)
    if first is None and any(one.step == "definition" and one.passed is None for one in steps):
        return (f"Check the spelling: `mcp-gateway tools list {server.name}` has what was seen.",)
    return (words[first],) if first in words else ()
