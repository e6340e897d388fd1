"""What the policy needs from outside: the rules that are stored, and those of the file."""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from mcp_gateway.access.policy.build import Statements

Kind: TypeAlias = Literal["rule", "role", "row_filter"]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredStatement:
    """A rule, role or row filter as it is kept: `body` is its JSON. `tenant` is the one it belongs to, whatever the body says.

    `id` is a role's name. `created_at` is in seconds since 1970, of the last change; `created_by` the subject who made it.
    """

    tenant: str
    kind: Kind
    id: str
    body: str
    created_at: float
    created_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredStatements:
    """All of them, of every tenant, and the version they are of or of a later one."""

    version: int
    held: tuple[StoredStatement, ...]


class RuleStore(Protocol):
    """Keeps statements, and one version that counts up with every change, on whichever replica it is made.

    A change is made only on the version it was checked against; False means somebody else was quicker and nothing was written.
    """

    async def read_version(self) -> int:
        """0 before the first change."""
        ...

    async def read_all(self) -> StoredStatements: ...

    async def put(self, statement: StoredStatement, *, expected_version: int) -> bool:
        """Add it, or replace the one of the same tenant, kind and id."""
        ...

    async def remove(self, tenant: str, kind: Kind, identity: str, *, expected_version: int) -> bool: ...


class StatementFile(Protocol):
    """The statements an operator wrote down; they stand above those of tenants, for a deny always wins."""

    async def reload(self) -> Statements | None:
        """The new ones when the file changed and is good; None otherwise. What is wrong with a refused file is logged."""
        ...
