"""Roles, rules and row filters as JSON: how they are stored, listed and sent. `shapes.py` reads what this writes."""

import json
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from mcp_gateway.access.errors import PolicyInvalid
from mcp_gateway.access.policy.build import Statements
from mcp_gateway.access.policy.model import ACTIONS, CallerValue, Grant, Role, RowFilter, Rule
from mcp_gateway.access.policy.ports import Kind
from mcp_gateway.access.policy.shapes import read_role, read_row_filter, read_rule
from mcp_gateway.core.configuration.faults import Fault, sorted_by_line
from mcp_gateway.core.configuration.json_nodes import compose_json
from mcp_gateway.core.configuration.nodes import Faults
from mcp_gateway.core.configuration.section import Section
from mcp_gateway.core.errors import Json

Statement: TypeAlias = Rule | Role | RowFilter

# Room for a few hundred patterns.
MAX_BODY_CHARS: Final = 64_000
_READERS: Final[dict[Kind, Callable[..., Statement | None]]] = {
    "rule": read_rule,
    "role": read_role,
    "row_filter": read_row_filter,
}


def read_statement(kind: Kind, text: str, *, owner: str) -> Statement:
    """From JSON text; it is about the tenant `owner` alone. Raises `PolicyInvalid` with every fault."""
    faults = Faults(kind, None)
    if len(text) > MAX_BODY_CHARS:
        faults.note(None, "", f"has over {MAX_BODY_CHARS:,} characters", "Use patterns, or several rules.")
        raise invalid(faults.found)
    node = compose_json(text, faults)
    statement = None if node is None else _READERS[kind](Section(node, "", faults), owner=owner)
    if faults.found or statement is None:
        raise invalid(faults.found)
    return statement


def invalid(faults: Iterable[Fault]) -> PolicyInvalid:
    """The error that carries them all."""
    found = sorted_by_line(tuple(faults))
    return PolicyInvalid(" | ".join(map(str, found)), faults=[fault.to_dict() for fault in found])


def identity_of(statement: Statement) -> str:
    return statement.name if isinstance(statement, Role) else statement.id


def kind_of(statement: Statement) -> Kind:
    return "role" if isinstance(statement, Role) else "row_filter" if isinstance(statement, RowFilter) else "rule"


def gather(statements: Iterable[Statement]) -> Statements:
    """By their kinds."""
    held = tuple(statements)
    return Statements(
        roles=tuple(one for one in held if isinstance(one, Role)),
        rules=tuple(one for one in held if isinstance(one, Rule)),
        row_filters=tuple(one for one in held if isinstance(one, RowFilter)),
    )


def to_text(statement: Statement) -> str:
    return json.dumps(to_body(statement), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def to_body(statement: Statement) -> dict[str, Json]:
    """What is empty is left out, and of a stored one the tenant too, which is not its own to say."""
    match statement:
        case Role():
            body: dict[str, Json] = {"name": statement.name, "extends": list(statement.extends)}
            body["allow"] = [_without_empty(_about(grant, said=True)) for grant in statement.allow]
        case RowFilter():
            body = {"id": statement.id, "tables": list(statement.tables), "column": statement.column}
            body |= {"operator": statement.operator, "value": _value(statement), **_audience(statement)}
        case Rule():
            body = {"id": statement.id, "effect": statement.effect, "subjects": list(statement.subjects)}
            said = statement.effect == "allow" or len(statement.actions) < len(ACTIONS)
            body |= {**_about(statement, said=said), **_audience(statement)}
    return _without_empty({**body, "note": statement.note})


def _about(grant: Grant | Rule, *, said: bool) -> dict[str, Json]:
    actions: list[Json] = [action for action in ACTIONS if action in grant.actions] if said else []
    return {
        "actions": actions,
        "servers": list(grant.servers),
        "tools": list(grant.tools),
        "tables": list(grant.tables),
        "columns": list(grant.columns),
    }


def _audience(statement: Rule | RowFilter) -> dict[str, Json]:
    tenants = () if statement.owner else statement.tenants
    return {"tenants": [*sorted(tenants)], "roles": [*sorted(statement.roles)]}


def _value(one: RowFilter) -> Json:
    if isinstance(one.value, CallerValue):
        return {"caller": one.value.attribute}
    return list(one.value) if isinstance(one.value, tuple) else one.value


def _without_empty(body: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in body.items() if value not in ("", [], None)}
