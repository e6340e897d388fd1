"""A change of what one tenant stored, as values: what would be held after it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from mcp_gateway.access.errors import PolicyInvalid
from mcp_gateway.access.policy.bodies import Statement, gather, identity_of, kind_of, read_statement, to_text
from mcp_gateway.access.policy.build import Statements
from mcp_gateway.access.policy.ports import Kind, StoredStatement

# For one tenant. Every decision that is not remembered looks at all of them.
MAX_STORED = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Addition:
    """A statement to add, or to put in place of the one of the same name: its JSON text, as it was sent."""

    kind: Kind
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    kind: Kind
    id: str


def parse_stored(held: Iterable[StoredStatement]) -> Statements:
    """Raises `PolicyInvalid` for what cannot be understood: a deny that is passed over would allow."""
    return gather(map(_parse, held))


@lru_cache(maxsize=32_768)
def _parse(one: StoredStatement) -> Statement:
    """Found again as long as it is stored unchanged. Raises `PolicyInvalid`."""
    if not one.tenant:
        raise PolicyInvalid(f"The stored {one.kind} {one.id} is of no tenant.", kind=one.kind, id=one.id)
    try:
        return read_statement(one.kind, one.body, owner=one.tenant)
    except PolicyInvalid as error:
        message = f"The stored {one.kind} {one.id} of {one.tenant} cannot be read: {error.message}"
        raise PolicyInvalid(message, tenant=one.tenant, kind=one.kind, id=one.id) from error


def with_addition(
    held: tuple[StoredStatement, ...], addition: Addition, *, tenant: str, at: float, by: str
) -> tuple[StoredStatement, tuple[StoredStatement, ...]]:
    """The new one and all there then are. Raises `PolicyInvalid`."""
    statement = read_statement(addition.kind, addition.text, owner=tenant)
    row = StoredStatement(
        tenant=tenant,
        kind=kind_of(statement),
        id=identity_of(statement),
        body=to_text(statement),
        created_at=at,
        created_by=by,
    )
    others = _without(held, tenant, row.kind, row.id)
    if sum(one.tenant == tenant for one in others) >= MAX_STORED:
        raise PolicyInvalid(f"There are {MAX_STORED} of yours already.", hint="Remove some, or put several into one.")
    return row, (*others, row)


def without(held: tuple[StoredStatement, ...], removal: Removal, *, tenant: str) -> tuple[StoredStatement, ...]:
    """What is left; the same when there is none such of this tenant's."""
    return _without(held, tenant, removal.kind, removal.id)


def _without(held: tuple[StoredStatement, ...], tenant: str, kind: Kind, identity: str) -> tuple[StoredStatement, ...]:
    return tuple(one for one in held if (one.tenant, one.kind, one.id) != (tenant, kind, identity))
