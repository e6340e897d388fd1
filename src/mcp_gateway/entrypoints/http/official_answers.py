"""The catalogue's pages in the shape of the official registry's server.json of 2025-12-11."""

from typing import NotRequired

from typing_extensions import TypedDict

from mcp_gateway.entrypoints.http.models import deferred


class Remote(TypedDict):
    type: str
    url: str


_Schema = TypedDict("_Schema", {"$schema": str})


class ServerDocument(_Schema):
    """server.json of one server: where it is reached."""

    name: str
    description: str
    title: NotRequired[str]
    version: str
    remotes: list[Remote]


class Publication(TypedDict):
    """Times are RFC 3339."""

    status: str
    statusChangedAt: str
    publishedAt: str
    updatedAt: str
    isLatest: bool


Published = TypedDict("Published", {"io.modelcontextprotocol.registry/official": Publication})


@deferred
class RegistryEntry(TypedDict):
    server: ServerDocument
    _meta: Published


class PageFacts(TypedDict):
    """`nextCursor` is left out on the last page."""

    count: int
    nextCursor: NotRequired[str]


@deferred
class RegistryPage(TypedDict):
    """Some of the servers."""

    servers: list[RegistryEntry]
    metadata: PageFacts
