"""What the audit trail holds: one event per act, refused acts included. Values only."""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from mcp_gateway.core.values import call_value

DecisionWord: TypeAlias = Literal["allowed", "refused"]
Outcome: TypeAlias = Literal["answered", "failed", "refused", "cancelled"]

# Whoever could not be told to be of a tenant. No tenant has this name.
NOBODYS: Final = "-"
# The reason of a seal that vouches for the removal of the rows up to it. No other seal does.
RETENTION: Final = "retention"


@call_value
class AuditEvent:
    """Who did what, what was decided and what came of it.

    `at` is in seconds since 1970, kept to the microsecond. `roles` and `scopes` are those of the credential, in order; `scopes`
    None when it said nothing of them. `reason` is the rule that decided. `fingerprint` tells equal arguments apart from others
    without holding them; `arguments` is their masked JSON when the gateway is told to keep it, else None. `error_code` is empty
    unless it failed or was refused.
    """

    tenant: str
    at: float
    subject: str
    action: str
    decision: DecisionWord
    outcome: Outcome
    credential: str = ""
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] | None = None
    server: str = ""
    tool: str = ""
    table: str = ""
    column: str = ""
    reason: str = ""
    error_code: str = ""
    duration_ms: float = 0.0
    correlation_id: str = ""
    fingerprint: str = ""
    arguments: str | None = None
    face: str = ""

    @property
    def target(self) -> str:
        """What it was about, in a word: the tool, or the table with its column."""
        return self.tool or (f"{self.table}.{self.column}" if self.column else self.table)


class AuditLine(NamedTuple):
    """An event and its canonical text, which is what the chain covers."""

    event: AuditEvent
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditRow:
    """A line in its place: `sequence` counts from 1 within the tenant, `hash` is that of the chain up to here, in hex."""

    event: AuditEvent
    sequence: int
    body: str
    hash: str


class StoredRow(NamedTuple):
    """A row as the store holds it, not to be trusted before verification. `columns` are in the order of `chain.COLUMNS`."""

    tenant: str
    sequence: int
    columns: tuple[object, ...]
    body: str
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """Where a tenant's chain ends, and the installation that began it."""

    tenant: str
    sequence: int
    hash: str
    installation: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Seal:
    """A signed statement that the chain of this tenant had this hash at this sequence. `sealed_at` in microseconds since 1970."""

    tenant: str
    sequence: int
    hash: str
    sealed_at: int
    reason: str
    key: str
    signature: str
