"""Which servers may have a resource: those that list it, else those with a template for it, else the only one of its scheme."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from mcp_gateway.core.errors import InvalidInput, Json
from mcp_gateway.federation.catalog.known import Known
from mcp_gateway.federation.catalog.model import Finding, ListKind
from mcp_gateway.federation.catalog.uri_templates import Template
from mcp_gateway.registry.model import Server

# Of servers in one hint; the data has all.
_MOST_NAMED: Final = 5


class AmbiguousUri(InvalidInput):
    """Several servers may have this resource, and none lists it."""

    code = "AMBIGUOUS_URI"
    hint = "Ask one of the servers named in the data, at /servers/NAME/mcp."


class Uris:
    """What is known of the resources of some servers, in order of precedence; made anew when that changes."""

    def __init__(self, servers: Sequence[Server], known: Known) -> None:
        self._listed: dict[str, list[Server]] = {}
        self._templates: list[tuple[Template, Server]] = []
        self._schemes: dict[str, list[Server]] = {}
        for server in servers:
            for uri in known.names(server.name, "resources"):
                self._listed.setdefault(uri, []).append(server)
                self._note_scheme(uri, server)
            for text in known.names(server.name, "templates"):
                self._templates.append((Template(text), server))
                self._note_scheme(text, server)

    def find(self, uri: str, visible: Callable[[Server], bool]) -> Server | None:
        """Of those that are visible. Raises `AmbiguousUri`."""
        listed = next((one for one in self._listed.get(uri, ()) if visible(one)), None)
        if listed is not None:
            return listed
        matching = [(one.literals, server) for one, server in self._templates if one.matches(uri) and visible(server)]
        if matching:
            most = max(literals for literals, _ in matching)
            return _only({server.name: server for literals, server in matching if literals == most}, uri)
        schemes = {one.name: one for one in self._schemes.get(_scheme(uri), ()) if visible(one)}
        return next(iter(schemes.values())) if len(schemes) == 1 else None

    def with_template(self, text: str, visible: Callable[[Server], bool]) -> Server | None:
        """The oldest server that has this very template."""
        return next((server for one, server in self._templates if one.text == text and visible(server)), None)

    def _note_scheme(self, uri: str, server: Server) -> None:
        servers = self._schemes.setdefault(_scheme(uri), [])
        if not servers or servers[-1] is not server:
            servers.append(server)


def taken_uris(kind: ListKind, servers: Sequence[Server], known: Known) -> Iterator[Finding]:
    """Resources of a server that lead to an older one in the one endpoint, because that one has the same URI."""
    holders: dict[str, str] = {}
    for server in servers:
        for uri in known.names(server.name, kind):
            holder = holders.setdefault(uri, server.name)
            if holder != server.name:
                yield Finding(code="URI_TAKEN", server=server.name, kind=kind, name=uri, listed="", other=holder)


def _only(servers: dict[str, Server], uri: str) -> Server:
    if len(servers) > 1:
        names: list[Json] = [*sorted(servers)]
        hint = f"Ask one of them: {', '.join(f'/servers/{name}/mcp' for name in sorted(servers)[:_MOST_NAMED])}."
        raise AmbiguousUri(hint=hint, uri=uri[:1_000], servers=names)
    return next(iter(servers.values()))


def _scheme(uri: str) -> str:
    return uri.partition(":")[0].lower()
