"""What of a server may be told: to those who see it, to those who manage it, and to the audit trail. Never a secret.

Addresses often carry a key in their query, so no query is ever told.
"""

from dataclasses import fields
from urllib.parse import urlsplit

from mcp_gateway.core.errors import Json
from mcp_gateway.registry.model import Credential, Server, ServerLimits
from mcp_gateway.registry.orders import ServerChange, ServerOrder, VirtualChange, VirtualOrder


def shown_url(url: str) -> str:
    """Without what stands behind the question mark, and without any name and password."""
    plain, mark, _ = url.partition("?")
    scheme, middle, rest = plain.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{middle}{host.rpartition('@')[2]}{slash}{path}{'?***' if mark else ''}"


def origin(url: str) -> str:
    """Scheme, host and port alone: for those who may only see that there is a server. "" for what is no address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{'' if port is None else f':{port}'}" if host else ""


def shown_credential(credential: Credential) -> dict[str, Json]:
    """Everything but the secret, and whether there is one."""
    shown: dict[str, Json] = {"kind": credential.kind}
    for name in ("header", "token_url", "client_id", "scope", "audience"):
        value: str = getattr(credential, name)
        if value:
            shown[name] = shown_url(value) if name == "token_url" else value
    if credential.kind != "none":
        shown["has_secret"] = bool(credential.secret)
    return shown


def shown_server(server: Server, *, managing: bool) -> dict[str, Json]:
    """`managing`: for somebody who could change it, who sees its address, credential and command too."""
    shown: dict[str, Json] = {
        "name": server.name,
        "title": server.title,
        "description": server.description,
        "url": shown_url(server.url) if managing else origin(server.url),
        "transport": server.transport,
        "tenant": server.tenant,
        "enabled": server.enabled,
        "prefix": server.prefix,
        "drift": server.drift,
        "check_arguments": server.check_arguments,
        "mask": [*sorted(server.mask)],
        "limits": _limits(server.limits),
        "source": server.source,
        "version": server.version,
        "created_at": server.created_at,
    }
    if managing:
        shown["credential"] = shown_credential(server.credential)
        shown["created_by"] = server.created_by
        if server.command is not None:
            # Arguments and environment may hold secrets; the file has them.
            shown["command"] = server.command.program
    return shown


def audited_order(order: ServerOrder) -> dict[str, Json]:
    """What the trail keeps of an addition."""
    return {"add": order.name, **_audited(order)}


def audited_change(change: ServerChange) -> dict[str, Json]:
    """What the trail keeps of a change: what was changed to what."""
    return {"update": _audited(change)}


def audited_virtual(verb: str, said: VirtualOrder | VirtualChange) -> dict[str, Json]:
    """What the trail keeps: which tools of which servers, under which names. Presets may hold anything, so only their names."""
    shown: dict[str, Json] = {field.name: value for field in fields(said) if isinstance(value := getattr(said, field.name), str)}
    if said.tools is not None:
        shown["tools"] = [
            {
                "tool": f"{one.server}.{one.tool}",
                **({"name": one.name} if one.name else {}),
                **({"hidden": [*sorted(one.hidden)]} if one.hidden else {}),
                **({"preset": [*sorted(one.preset)]} if one.preset else {}),
            }
            for one in said.tools
        ]
    for name, servers in (("resources", said.resources), ("prompts", said.prompts)):
        if servers:
            shown[name] = list(servers)
    return {verb: shown}


def _audited(said: ServerOrder | ServerChange) -> dict[str, Json]:
    shown: dict[str, Json] = {}
    for field in fields(said):
        value = getattr(said, field.name)
        if value is None or field.name == "name":
            continue
        if isinstance(value, Credential):
            # Not under its own name, which the trail would mask as a whole.
            shown["login"] = value.kind
        elif isinstance(value, ServerLimits):
            shown["limits"] = _limits(value)
        elif isinstance(value, frozenset):
            shown[field.name] = [*sorted(value)]
        else:
            shown[field.name] = shown_url(value) if field.name == "url" else value
    return shown


def _limits(limits: ServerLimits) -> dict[str, Json]:
    return {field.name: getattr(limits, field.name) for field in fields(limits)}
