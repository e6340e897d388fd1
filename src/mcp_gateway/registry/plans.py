"""What a change would make of what is registered: pure, so that it can be worked out again on something newer."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Final, TypeVar

from mcp_gateway.core.identity import Caller
from mcp_gateway.registry.check import check_server, check_virtual
from mcp_gateway.registry.errors import (
    CredentialLost,
    InvalidServer,
    Problem,
    ServerChanged,
    ServerInUse,
    ServerNameTaken,
    ServerNotFound,
    ServerWrittenDown,
    TooManyServers,
)
from mcp_gateway.registry.held import Held
from mcp_gateway.registry.model import Server, VirtualServer
from mcp_gateway.registry.orders import ServerChange, ServerOrder, VirtualChange, VirtualOrder
from mcp_gateway.registry.showing import origin

# Of one tenant, or of those for all tenants together.
MAX_SERVERS: Final = 2_000
MAX_VIRTUAL: Final = 500
Item = TypeVar("Item", Server, VirtualServer)


def plan_addition(held: Held, caller: Caller, order: ServerOrder, *, at: float) -> Server:
    """`at` in seconds since 1970. Raises `InvalidServer`, `ServerNameTaken`, `TooManyServers`."""
    said = {field.name: getattr(order, field.name) for field in fields(order) if field.name != "tenant"}
    server = Server(**said, tenant=owner(held, caller, order.tenant), created_at=at, created_by=caller.subject)
    _require([*check_server(server), *_check_exchange(held, caller, server)])
    _require_free(held, server.name)
    _require_room(held.servers, server, MAX_SERVERS)
    return server


def plan_change(held: Held, caller: Caller, name: str, change: ServerChange, *, expected_version: int | None) -> Server:
    """Raises `ServerNotFound`, `ServerWrittenDown`, `ServerChanged`, `CredentialLost`, `InvalidServer`."""
    server = changeable(held.servers, held, caller, name, expected_version)
    if held.faults.get(name) == "unreadable" and change.url is None:
        raise CredentialLost("What is stored of this server cannot be read.", hint="Remove it, or send its url anew.", name=name)
    if held.faults.get(name) == "credential_lost" and change.credential is None:
        raise CredentialLost(name=name)
    said = {field.name: value for field in fields(change) if (value := getattr(change, field.name)) is not None}
    changed = replace(server, **said, version=server.version + 1)
    _require([*check_server(changed), *_check_exchange(held, caller, changed), *_check_moved(server, changed, change)])
    return changed


def plan_removal(held: Held, caller: Caller, name: str, *, expected_version: int | None, force: bool) -> Server:
    """Raises `ServerNotFound`, `ServerWrittenDown`, `ServerChanged`, `ServerInUse`."""
    server = changeable(held.servers, held, caller, name, expected_version)
    users = sorted(one.name for one in held.virtual_servers.values() if name in _servers_of(one))
    if users and not force:
        mine = [user for user in users if held.virtual_servers[user].tenant in ("", caller.tenant)]
        raise ServerInUse(name=name, virtual_servers=list(mine))
    return server


def plan_virtual_addition(held: Held, caller: Caller, order: VirtualOrder) -> VirtualServer:
    """Raises `InvalidServer`, `ServerNameTaken`, `TooManyServers`."""
    said = {field.name: getattr(order, field.name) for field in fields(order) if field.name != "tenant"}
    virtual = VirtualServer(**said, tenant=owner(held, caller, order.tenant))
    _require(check_virtual(virtual))
    _require_reach(held, virtual)
    _require_free(held, virtual.name)
    _require_room(held.virtual_servers, virtual, MAX_VIRTUAL)
    return virtual


def plan_virtual_change(
    held: Held, caller: Caller, name: str, change: VirtualChange, *, expected_version: int | None
) -> VirtualServer:
    """Raises `ServerNotFound`, `ServerWrittenDown`, `ServerChanged`, `InvalidServer`."""
    virtual = changeable(held.virtual_servers, held, caller, name, expected_version)
    said = {field.name: value for field in fields(change) if (value := getattr(change, field.name)) is not None}
    changed = replace(virtual, **said, version=virtual.version + 1)
    _require(check_virtual(changed))
    _require_reach(held, changed)
    return changed


def owner(held: Held, caller: Caller, wanted: str | None) -> str:
    """The tenant a new one belongs to: the caller's, unless it is said to be for every tenant.

    Raises `InvalidServer` for another than the caller may make it for.
    """
    if wanted is None or wanted == caller.tenant:
        return caller.tenant
    if wanted == "" and caller.tenant in held.options.operators:
        return ""
    fix = "Leave it out: it then belongs to your own tenant. Operators and the servers file make servers for every tenant."
    raise InvalidServer.of([Problem(field="tenant", problem="is not yours to make a server for", fix=fix)])


def is_in_reach(held: Held, caller: Caller, item: Server | VirtualServer) -> bool:
    """Of the caller's own tenant, or of all of them and the caller is an operator."""
    return item.tenant == caller.tenant or (item.tenant == "" and caller.tenant in held.options.operators)


def changeable(items: Mapping[str, Item], held: Held, caller: Caller, name: str, expected_version: int | None) -> Item:
    """The one of this name. Raises `ServerNotFound`, `ServerWrittenDown`, `ServerChanged`."""
    item = items.get(name)
    if item is None or item.tenant not in ("", caller.tenant):
        raise ServerNotFound(name=name[:100])
    if item.source != "store":
        raise ServerWrittenDown(name=name, source=item.source)
    if not is_in_reach(held, caller, item):
        raise ServerWrittenDown(
            "It belongs to every tenant, so an operator alone can change it.",
            hint="Operators are the tenants named in `registry.operators` of the servers file.",
            name=name,
        )
    if expected_version is not None and expected_version != item.version:
        raise ServerChanged(name=name, version=item.version)
    return item


def _check_moved(before: Server, after: Server, change: ServerChange) -> Iterator[Problem]:
    """A secret goes where it was given for. Whoever may change an address need not know the secret, and must not get to."""
    moved = before.url.partition("?")[0] != after.url.partition("?")[0]
    if moved and before.credential.kind != "none" and change.credential is None:
        fix = "Send the credential with the new url, or one of kind none."
        yield Problem(field="credential", problem="was given for another address", fix=fix)


def _check_exchange(held: Held, caller: Caller, server: Server) -> Iterator[Problem]:
    """An exchange hands the tokens of all callers to `token_url`: who may see those is said by whoever runs the gateway."""
    credential = server.credential
    trusted = caller.tenant in held.options.operators or origin(credential.token_url) in held.options.exchanges
    if credential.kind == "token_exchange" and not trusted:
        fix = "Whoever runs the gateway can name its origin under `registry.exchanges` of the servers file."
        yield Problem(field="credential.token_url", problem="may not be handed callers' tokens", fix=fix)


def _require(problems: list[Problem]) -> None:
    if problems:
        raise InvalidServer.of(problems)


def _require_free(held: Held, name: str) -> None:
    if name in held.servers or name in held.virtual_servers or name in held.faults:
        raise ServerNameTaken(name=name)


def _require_room(items: Mapping[str, Item], new: Item, most: int) -> None:
    if sum(one.tenant == new.tenant and one.source == "store" for one in items.values()) >= most:
        raise TooManyServers(f"There are {most:,} already, as many as one tenant may have.", limit=most)


def _require_reach(held: Held, virtual: VirtualServer) -> None:
    """A selection reaches no further than whoever made it: nothing of another tenant, which looks as if it were not there."""
    known = {name for name, one in held.servers.items() if one.tenant in ("", virtual.tenant)}
    missing = sorted(_servers_of(virtual) - known)
    if missing:
        problem = f"names {', '.join(missing[:10])}, which there is not"
        raise InvalidServer.of([Problem(field="tools", problem=problem, fix="Name servers of your own, or of every tenant.")])


def _servers_of(virtual: VirtualServer) -> set[str]:
    return {*(one.server for one in virtual.tools), *virtual.resources, *virtual.prompts}
