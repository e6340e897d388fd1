"""Names in the one endpoint: the same for everybody of a tenant, and the same whatever order the servers answered in.

A server's own prefix comes first, a name stays within 64 characters, and of two servers that want one name the older has it; the
other's gets the name of its server in front. Pure.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, NamedTuple

from mcp_gateway.federation.catalog.model import Finding, ListKind

# What clients take: Cursor, VS Code and the models' own interfaces refuse longer names.
MAX_NAME: Final = 64
_HASH_CHARS: Final = 8


class Own(NamedTuple):
    """A server's thing, by the server's own name for it."""

    server: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What one server's things are called, and what the configuration puts before them."""

    server: str
    prefix: str
    names: Collection[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """`listed` by server and own name; `own` is the way back. No two things have one name."""

    listed: Mapping[str, Mapping[str, str]]
    own: Mapping[str, Own]
    findings: tuple[Finding, ...] = field(default=())

    def named(self, server: str, name: str) -> str:
        """How it is listed; its own name for one not known yet."""
        return self.listed.get(server, {}).get(name, name)


def assign(kind: ListKind, wishes: Sequence[Wishes], reserved: Collection[str] = ()) -> Names:
    """`wishes` come in the order of precedence; no other order counts. `reserved` names are given to nobody."""
    listed: dict[str, Mapping[str, str]] = {}
    own: dict[str, Own] = {}
    findings: list[Finding] = []
    for wish in wishes:
        mine: dict[str, str] = {}
        for name in sorted(wish.names):
            called, finding = _call(kind, wish, name, own, reserved)
            mine[name] = called
            own[called] = Own(wish.server, name)
            if finding is not None:
                findings.append(finding)
        listed[wish.server] = mine
    return Names(listed=listed, own=own, findings=tuple(findings))


def shorten(name: str) -> str:
    """At most 64 characters: a longer name ends in a hash of all of it."""
    if len(name) <= MAX_NAME:
        return name
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_HASH_CHARS // 2).hexdigest()
    return f"{name[: MAX_NAME - _HASH_CHARS - 1]}_{digest}"


def _call(
    kind: ListKind, wish: Wishes, name: str, own: Mapping[str, Own], reserved: Collection[str]
) -> tuple[str, Finding | None]:
    wanted = wish.prefix + name
    called = shorten(wanted)
    if called not in own and called not in reserved:
        cut = Finding(code="NAME_CUT", server=wish.server, kind=kind, name=name, listed=called)
        return called, cut if called != wanted else None
    holder = own[called].server if called in own else ""
    called = _free(f"{wish.server}_{name}", own, reserved)
    return called, Finding(code="NAME_TAKEN", server=wish.server, kind=kind, name=name, listed=called, other=holder)


def _free(wanted: str, own: Mapping[str, Own], reserved: Collection[str]) -> str:
    called, tries = shorten(wanted), 1
    while called in own or called in reserved:
        tries += 1
        called = shorten(f"{wanted}_{tries}")
    return called
