"""Everything all servers offer, for whoever wants resources rather than an answer; `gather.py` reads only what it needs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import structlog

from mcp_gateway.ask.documents import read_json
from mcp_gateway.ask.ports import Resource
from mcp_gateway.ask.servers import Member, Servers
from mcp_gateway.ask.together import all_of, error_or
from mcp_gateway.core.errors import GatewayError, Json, ResourceFetchError

# A server must not be flooded, nor flood.
MAX_READS_AT_ONCE = 8
MAX_RESOURCES = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceProgress:
    """One more resource of `server` has been read: `done` of `total`."""

    server: str
    uri: str
    done: int
    total: int


ResourceListener: TypeAlias = Callable[[ResourceProgress], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerResources:
    """What one server offers, by resource name; JSON as its value, anything else as text."""

    server: str
    priority: int
    domains: tuple[str, ...]
    capabilities: tuple[str, ...]
    resources: Mapping[str, Json] = field(repr=False)

    def to_dict(self) -> dict[str, Json]:
        """The shape of the specification: priority, domains, capabilities, resources."""
        return {
            "priority": self.priority,
            "domains": list(self.domains),
            "capabilities": list(self.capabilities),
            "resources": dict(self.resources),
        }


async def gather_all(servers: Servers, listener: ResourceListener | None = None) -> tuple[ServerResources, ...]:
    """Every resource of every server, most trusted server first.

    A server that fails is left out, unless `fail_fast`. Raises `MCPConnectionError`, `ResourceFetchError` or `TimedOut`.
    """
    results = await asyncio.gather(*(error_or(_read_everything(member, listener)) for member in servers.members))
    for member, result in zip(servers.members, results, strict=True):
        if isinstance(result, GatewayError):
            log.warning("resources_missing", server=member.key, code=result.code)
            if servers.orchestration.fail_fast:
                raise result
    return tuple(result for result in results if isinstance(result, ServerResources))


async def _read_everything(member: Member, listener: ResourceListener | None) -> ServerResources:
    listed = await member.copies.list_resources()
    resources = listed.value.resources
    if len(resources) > MAX_RESOURCES:
        message = f"The MCP server {member.key} lists {len(resources)} resources, more than {MAX_RESOURCES}."
        raise ResourceFetchError(message, hint="Split the server, or offer its items as a template.", server=member.key)
    gate, done = asyncio.Semaphore(MAX_READS_AT_ONCE), 0

    async def read_one(resource: Resource) -> tuple[str, Json]:
        nonlocal done
        async with gate:
            content = (await member.copies.read_resource(resource.uri)).value
        done += 1
        if listener is not None:
            await listener(ResourceProgress(server=member.key, uri=resource.uri, done=done, total=len(resources)))
        is_json = (resource.mime_type or "").partition(";")[0].strip().endswith("json")
        return resource.name, read_json(member.key, resource.uri, content.text) if is_json else content.text

    return ServerResources(
        server=member.key,
        priority=member.config.priority,
        domains=member.config.domains,
        capabilities=member.config.capabilities,
        resources=dict(await all_of([read_one(resource) for resource in resources])),
    )
