"""Servers as rows of the gateway's own store, and back. A row is trusted no more than what comes over the API."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Final, cast, get_args

from sqlalchemy import Row

from mcp_gateway.adapters.sealing import Sealing
from mcp_gateway.core.errors import Json
from mcp_gateway.registry.check import check_server, check_virtual
from mcp_gateway.registry.model import (
    Credential,
    CredentialKind,
    DriftRule,
    Selected,
    Server,
    ServerLimits,
    TransportName,
    VirtualServer,
)
from mcp_gateway.registry.ports import Fault

PURPOSE: Final = "registry credentials"
_TEXTS: Final = ("title", "description", "prefix")
_LIMITS: Final = tuple(field.name for field in fields(ServerLimits))
_OPEN: Final = ("kind", "header", "token_url", "client_id", "scope", "audience")


class UnreadableRow(Exception):
    """The row was not written by this program."""


def server_values(server: Server, sealing: Sealing) -> dict[str, str]:
    """`body` and `sealed`. What stands behind the address's question mark is as secret as the credential."""
    plain, _, query = server.url.partition("?")
    credential = server.credential
    body: dict[str, Json] = {
        "url": plain,
        "transport": server.transport,
        "enabled": server.enabled,
        "drift": server.drift,
        "check_arguments": server.check_arguments,
        "mask": [*sorted(server.mask)],
        "limits": asdict(server.limits),
        "credential": {name: getattr(credential, name) for name in _OPEN},
        **{name: getattr(server, name) for name in _TEXTS},
    }
    secret = json.dumps([credential.secret, query]) if credential.secret or query else ""
    sealed = sealing.seal(secret, _context(server.name, server.tenant, body)) if secret else ""
    return {"body": json.dumps(body), "sealed": sealed}


def read_server(row: Row[tuple[object, ...]], sealing: Sealing) -> tuple[Server, Fault | None]:
    """The server, and why it cannot be used as it is; it is then disabled."""
    made = Server(
        name=row.name, tenant=row.tenant, version=row.version, created_at=row.created_at, created_by=row.created_by, enabled=False
    )
    try:
        body = _object(row.body)
        server = _filled(made, body)
    except (UnreadableRow, ValueError, TypeError, KeyError, RecursionError):
        return made, "unreadable"
    opened = sealing.open(row.sealed, _context(row.name, row.tenant, body)) if row.sealed else '["", ""]'
    if opened is None:
        return replace(server, enabled=False), "credential_lost"
    secret, query = json.loads(opened)
    whole = replace(
        server,
        url=f"{server.url}?{query}" if query else server.url,
        credential=replace(server.credential, secret=secret),
    )
    return (made, "unreadable") if check_server(whole) else (whole, None)


def virtual_body(virtual: VirtualServer) -> str:
    return json.dumps(
        {
            "title": virtual.title,
            "instructions": virtual.instructions,
            "resources": list(virtual.resources),
            "prompts": list(virtual.prompts),
            "tools": [
                {
                    "server": one.server,
                    "tool": one.tool,
                    "name": one.name,
                    "description": one.description,
                    "hidden": sorted(one.hidden),
                    "preset": dict(one.preset),
                }
                for one in virtual.tools
            ],
        }
    )


def read_virtual(row: Row[tuple[object, ...]]) -> tuple[VirtualServer, Fault | None]:
    """The virtual server; one that cannot be read selects nothing."""
    empty = VirtualServer(name=row.name, tenant=row.tenant, version=row.version)
    try:
        body = _object(row.body)
        made = replace(
            empty,
            title=_text(body["title"]),
            instructions=_text(body["instructions"]),
            resources=_texts(body["resources"]),
            prompts=_texts(body["prompts"]),
            tools=tuple(_selected(one) for one in _list(body["tools"])),
        )
    except (UnreadableRow, ValueError, TypeError, KeyError, RecursionError):
        return empty, "unreadable"
    return (empty, "unreadable") if check_virtual(made) else (made, None)


def _context(name: str, tenant: str, body: Mapping[str, Json]) -> str:
    """What a secret is bound to: whose it is, and everywhere it is sent. Another address means another secret."""
    return json.dumps([name, tenant, body["url"], body["credential"]], sort_keys=True)


def _filled(made: Server, body: Mapping[str, Json]) -> Server:
    credential, limits = body["credential"], body["limits"]
    if not isinstance(credential, dict) or not isinstance(limits, dict):
        raise UnreadableRow
    transport, drift, kind = body["transport"], body["drift"], credential["kind"]
    # Programs are run from the servers file alone, whatever a row says.
    if transport not in ("http", "sse") or drift not in get_args(DriftRule) or kind not in get_args(CredentialKind):
        raise UnreadableRow
    return replace(
        made,
        url=_text(body["url"]),
        transport=cast(TransportName, transport),
        enabled=body["enabled"] is True,
        drift=cast(DriftRule, drift),
        check_arguments=body["check_arguments"] is not False,
        mask=frozenset(_texts(body["mask"])),
        # Of a row written before a limit was thought of, that one is the default.
        limits=ServerLimits(**{name: _number(limits[name]) for name in _LIMITS if name in limits}),  # type: ignore[arg-type]
        credential=Credential(**{name: _text(credential[name]) for name in _OPEN}),  # type: ignore[arg-type]  # kind is one
        **{name: _text(body[name]) for name in _TEXTS},  # type: ignore[arg-type]  # these fields are texts
    )


def _selected(value: Json) -> Selected:
    if not isinstance(value, dict) or not isinstance(value["preset"], dict):
        raise UnreadableRow
    name, description = value["name"], value["description"]
    return Selected(
        server=_text(value["server"]),
        tool=_text(value["tool"]),
        name=None if name is None else _text(name),
        description=None if description is None else _text(description),
        hidden=frozenset(_texts(value["hidden"])),
        preset=value["preset"],
    )


def _object(text: str) -> dict[str, Json]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise UnreadableRow
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise UnreadableRow
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise UnreadableRow
    return value


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(_text(one) for one in _list(value))


def _number(value: Json) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableRow
    return value
