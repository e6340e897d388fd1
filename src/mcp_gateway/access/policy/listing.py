"""Everything that speaks about one tenant, with where it comes from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mcp_gateway.access.policy.bodies import Statement, kind_of, read_statement
from mcp_gateway.access.policy.build import Statements
from mcp_gateway.access.policy.model import Role
from mcp_gateway.access.policy.ports import Kind, StoredStatement
from mcp_gateway.access.policy.roles import BUILT_IN_ROLES

Source: TypeAlias = Literal["built_in", "file", "stored"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """What is built in and what the file says cannot be changed here. `created_*` are of what is stored, of its last change."""

    kind: Kind
    statement: Statement
    source: Source
    created_at: float | None = None
    created_by: str = ""


def list_statements(tenant: str, written: Statements, held: Iterable[StoredStatement]) -> tuple[Listed, ...]:
    """Built-in roles first, then those of the file that may concern the tenant, then what it stored."""
    built_in = [Listed(kind="role", statement=role, source="built_in") for role in BUILT_IN_ROLES]
    of_file = [
        Listed(kind=kind_of(one), statement=one, source="file")
        for one in statements_of(written)
        if isinstance(one, Role) or not one.tenants or tenant in one.tenants
    ]
    stored = [_listed(one) for one in sorted(held, key=lambda one: (one.kind, one.id)) if one.tenant == tenant]
    return (*built_in, *of_file, *stored)


def statements_of(statements: Statements) -> Iterator[Statement]:
    yield from statements.roles
    yield from statements.rules
    yield from statements.row_filters


def _listed(one: StoredStatement) -> Listed:
    statement = read_statement(one.kind, one.body, owner=one.tenant)
    return Listed(kind=one.kind, statement=statement, source="stored", created_at=one.created_at, created_by=one.created_by)
