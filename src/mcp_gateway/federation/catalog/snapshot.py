"""A list as one caller gets it, and its pages as bytes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from mcp_gateway.federation.catalog.model import Finding, Held, Missing

# Some clients read one page only.
PAGE_ITEMS: Final = 1_000
PAGE_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shown:
    """One item as it is listed. `server` and `key`: whose it is and what it is there. `tokens`: what it costs a model, about."""

    server: str
    key: str
    name: str
    body: bytes
    tokens: int = 0


Part: TypeAlias = tuple[Shown, ...]


class Page(NamedTuple):
    """`body` is a JSON array; `last` its last item where more follow, `end` how many items of the list came up to it."""

    body: bytes
    end: int
    last: Shown | None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Snapshot:
    """`parts` in the order of the list. Two of the same `digest` have the same pages. `held` are the lists it was made of.

    `findings` are about what is in it.
    """

    parts: tuple[Part, ...]
    held: tuple[Held, ...]
    missing: tuple[Missing, ...]
    digest: bytes
    tokens: int
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def items(self, start: int = 0) -> Iterator[Shown]:
        """From the item of this number on."""
        for part in self.parts:
            if start >= len(part):
                start -= len(part)
                continue
            yield from part[start:] if start else part
            start = 0


def page_from(snapshot: Snapshot, start: int) -> Page:
    """As many as fit, one at least where there is one."""
    taken: list[Shown] = []
    size = 0
    for one in snapshot.items(start):
        size += len(one.body) + 1
        if len(taken) == PAGE_ITEMS or (taken and size > PAGE_BYTES):
            return Page(_array(taken), start + len(taken), taken[-1])
        taken.append(one)
    return Page(_array(taken), start + len(taken), None)


def _array(items: list[Shown]) -> bytes:
    return b"[" + b",".join([one.body for one in items]) + b"]"
