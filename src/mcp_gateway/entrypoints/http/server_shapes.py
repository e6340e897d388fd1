"""From the registry's values to the API's shapes. Decides only who is told what; no secret is ever told."""

from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.http.access_shapes import moment
from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.entrypoints.http.server_answers import InspectionAnswer, ServerFindingAnswer, VirtualServerAnswer
from mcp_gateway.registry.inspection import Finding, Inspection
from mcp_gateway.registry.model import Server, VirtualServer
from mcp_gateway.registry.orders import Registered
from mcp_gateway.registry.registry import Registry
from mcp_gateway.registry.showing import shown_server


def shape_registered_server(registry: Registry, caller: Caller, server: Server) -> JsonObject:
    """`changeable`: by this caller, here. Its address and credential are for those who manage servers."""
    shown = shown_server(server, managing=registry.sees_details(caller, server))
    return {
        **shown,
        "created_at": moment(server.created_at) if server.created_at else None,
        "changeable": registry.may_manage(caller, server),
        "fault": registry.faults.get(server.name),
    }


def shape_outcome(registry: Registry, caller: Caller, registered: Registered) -> JsonObject:
    found = registered.inspection
    return {
        "server": shape_registered_server(registry, caller, registered.server),
        "inspection": None if found is None else shape_inspection(found),
    }


def shape_inspection(found: Inspection) -> InspectionAnswer:
    return {
        "server": found.server,
        "reachable": found.reachable,
        "usable": found.usable,
        "era": found.era,
        "revision": found.revision or None,
        "supported_revisions": list(found.supported),
        "name": found.name or None,
        "version": found.version or None,
        "capabilities": list(found.capabilities),
        "lists": [
            {
                "kind": one.kind,
                "count": one.count,
                "bytes": one.bytes,
                "tokens": one.tokens,
                "took_ms": round(one.took_ms, 1),
                "complete": one.complete,
            }
            for one in found.lists
        ],
        "latency_ms": None if found.latency_ms is None else round(found.latency_ms, 1),
        "auth": None
        if found.auth is None
        else {
            "scheme": found.auth.scheme,
            "resource_metadata": found.auth.resource_metadata or None,
            "authorization_servers": list(found.auth.authorization_servers),
            "scopes": list(found.auth.scopes),
        },
        "findings": [_finding(one) for one in found.findings],
    }


def _finding(one: Finding) -> ServerFindingAnswer:
    return {"code": one.code, "severity": one.severity, "message": one.message, "hint": one.hint, "subject": one.subject}


def shape_virtual(registry: Registry, caller: Caller, virtual: VirtualServer) -> VirtualServerAnswer:
    """Presets may hold anything, so their values are for those who could change them."""
    changeable = registry.may_manage(caller, virtual)
    managing = registry.sees_details(caller, virtual)
    return {
        "name": virtual.name,
        "title": virtual.title,
        "instructions": virtual.instructions,
        "tenant": virtual.tenant,
        "tools": [
            {
                "server": one.server,
                "tool": one.tool,
                "name": one.name,
                "description": one.description,
                "hidden": sorted(one.hidden),
                "preset": dict(one.preset) if managing else dict.fromkeys(one.preset, "***"),
            }
            for one in virtual.tools
        ],
        "resources": list(virtual.resources),
        "prompts": list(virtual.prompts),
        "source": virtual.source,
        "version": virtual.version,
        "changeable": changeable,
        "fault": registry.faults.get(virtual.name),
    }
