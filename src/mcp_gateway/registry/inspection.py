"""What looking at a server found, in words for whoever registers it. Values only."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from mcp_gateway.core.protocol.revisions import Era

# "error": it cannot be used like this; "warning": somebody will trip over it; "note": good to know.
Severity: TypeAlias = Literal["error", "warning", "note"]
ListKind: TypeAlias = Literal["tools", "prompts", "resources", "templates"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """`code` is stable, lower case; `subject` the tool or prompt it is about, "" for the whole server."""

    code: str
    severity: Severity
    message: str
    hint: str
    subject: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListFacts:
    """One list as the server gave it. `tokens` is what it costs a model to read it, about; `complete` False: there is more."""

    kind: ListKind
    count: int
    bytes: int
    tokens: int
    took_ms: float
    complete: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthNeeded:
    """What a 401 said: RFC 9728 and RFC 6750. All of it is the server's word; nothing of it was followed but its metadata."""

    scheme: str = ""
    resource_metadata: str = ""
    authorization_servers: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """`era` None: nobody could be spoken to. `latency_ms` is of the quickest answer; findings are the gravest first."""

    server: str
    reachable: bool
    era: Era | None = None
    revision: str = ""
    supported: tuple[str, ...] = ()
    name: str = ""
    version: str = ""
    capabilities: tuple[str, ...] = ()
    lists: tuple[ListFacts, ...] = ()
    latency_ms: float | None = None
    auth: AuthNeeded | None = None
    findings: tuple[Finding, ...] = ()

    def count(self, kind: ListKind) -> int | None:
        """None: it has no such list, or it could not be read."""
        return next((one.count for one in self.lists if one.kind == kind), None)

    @property
    def usable(self) -> bool:
        """Nothing of what was found keeps it from being used."""
        return self.reachable and all(one.severity != "error" for one in self.findings)
