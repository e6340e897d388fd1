"""What is known of each thing a server offers. Values only."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from mcp_gateway.core.protocol.frames import JsonObject, parse_object

Kind: TypeAlias = Literal["tools", "prompts", "resources", "templates", "instructions"]
Status: TypeAlias = Literal["offered", "waiting", "blocked"]
# What a change amounts to; later ones outweigh earlier ones.
ChangeClass: TypeAlias = Literal["safe", "wider", "suspicious"]
# Why it stands as it does: seen first together with its server, come later, as approved, changed in one of three ways, or refused
# by an administrator, which no later change undoes.
Verdict: TypeAlias = Literal["first", "new", "approved", "safe", "wider", "suspicious", "refused"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
# The member by which things of a kind are told apart.
NAMED_BY: Final[dict[Kind, str]] = {
    "tools": "name", "prompts": "name", "resources": "uri", "templates": "uriTemplate", "instructions": "name",
}  # fmt: skip
_REMEMBERED: Final = 4_096


class Key(NamedTuple):
    """What a definition is kept under."""

    server: str
    kind: Kind
    name: str


@lru_cache(maxsize=_REMEMBERED)
def _parsed(body: bytes) -> JsonObject:
    return parse_object(body)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Whether a thing may be used now. `body` is the definition that counts: the latest when it is offered, else the approved
    one, or the latest where none ever was. `fingerprint` is that of `body`.
    """

    status: Status
    fingerprint: str
    body: bytes

    @property
    def definition(self) -> JsonObject:
        """Shared by all who ask: not to be changed."""
        return _parsed(self.body)


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One definition as it is stored.

    `approved_*` is what an administrator saw last (None: nothing yet), the baseline every later one is compared with; `latest_*`
    what the server said last. `reasons` are for people. `decided_at` and `decided_by` are of the last decision of a person;
    times are seconds since 1970, `seen_at` when the latest was seen first.
    """

    server: str
    kind: Kind
    name: str
    approved_fingerprint: str | None
    approved_body: bytes | None
    latest_fingerprint: str
    latest_body: bytes
    status: Status
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    seen_at: float = 0.0
    decided_at: float | None = None
    decided_by: str | None = None

    @property
    def key(self) -> Key:
        return Key(self.server, self.kind, self.name)

    def standing(self) -> Standing:
        if self.status == "offered" or self.approved_body is None or self.approved_fingerprint is None:
            return Standing(status=self.status, fingerprint=self.latest_fingerprint, body=self.latest_body)
        return Standing(status=self.status, fingerprint=self.approved_fingerprint, body=self.approved_body)
