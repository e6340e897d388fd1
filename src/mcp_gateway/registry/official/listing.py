"""What the catalogue tells a caller, page by page. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.registry.model import Server, VirtualServer
from mcp_gateway.registry.official.names import is_registry_name

MAX_LIMIT: Final = 100
DEFAULT_LIMIT: Final = 30
# The endpoint that has everything, as the catalogue knows it.
WHOLE: Final = "gateway"
_MAX_TEXT: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One server of the catalogue. `path` is where its endpoint is at this gateway.

    `created_at` in seconds since 1970, 0 where nobody knows. `changed`: it was, at a time that nobody wrote down.
    """

    name: str
    title: str
    description: str
    version: str
    path: str
    created_at: float = 0.0
    changed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """`search` is a part of the name, in whatever case. `version` "" or "latest": each one's only version.

    `updated_since` in seconds since 1970; what may have changed since is told too. `cursor` is the last name of the page before.
    """

    limit: int = DEFAULT_LIMIT
    cursor: str = ""
    search: str = ""
    version: str = ""
    updated_since: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """`next_cursor` "" on the last one."""

    entries: tuple[Entry, ...]
    next_cursor: str = ""


def entries_of(namespace: str, servers: Iterable[Server], virtual: Iterable[VirtualServer], *, whole: Entry) -> tuple[Entry, ...]:
    """By name. Servers that are switched off are not in it; `whole` stands for the one endpoint."""
    made = {whole.name: whole}
    for one in virtual:
        made.setdefault(f"{namespace}/{one.name}", _entry(namespace, one, one.instructions, created_at=0.0))
    for server in servers:
        if server.enabled and server.name != WHOLE:
            made.setdefault(
                f"{namespace}/{server.name}", _entry(namespace, server, server.description, created_at=server.created_at)
            )
    return tuple(made[name] for name in sorted(made))


def whole_gateway(namespace: str, path: str) -> Entry:
    """Everything a caller may use, in one."""
    text = "Every server of this gateway that you may use, in one endpoint."
    return Entry(name=f"{namespace}/{WHOLE}", title="MCP Gateway", description=text, version="1.0.0", path=path)


def page_of(entries: Sequence[Entry], wanted: Wanted) -> Page:
    """`entries` by name. Raises `InvalidInput` for a cursor that is none."""
    if wanted.cursor and not is_registry_name(wanted.cursor):
        raise InvalidInput("The cursor is not one that was given out.", hint="Begin again without one.")
    found = [one for one in entries if one.name > wanted.cursor and _fits(one, wanted)]
    page = found[: max(1, min(wanted.limit, MAX_LIMIT))]
    return Page(entries=tuple(page), next_cursor=page[-1].name if len(found) > len(page) else "")


def _fits(one: Entry, wanted: Wanted) -> bool:
    if wanted.search.lower() not in one.name.lower():
        return False
    if wanted.version not in ("", "latest", one.version):
        return False
    if wanted.updated_since is None or one.changed or not one.created_at:
        return True
    return one.created_at >= wanted.updated_since


def _entry(namespace: str, one: Server | VirtualServer, text: str, *, created_at: float) -> Entry:
    title = " ".join(one.title.split())[:_MAX_TEXT]
    description = " ".join(text.split())[:_MAX_TEXT] or title or one.name
    return Entry(
        name=f"{namespace}/{one.name}",
        title=title,
        description=description,
        version=f"1.0.{one.version}",
        path=f"/servers/{one.name}/mcp",
        created_at=created_at,
        changed=one.version > 1,
    )
