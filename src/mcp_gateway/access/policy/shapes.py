"""The one shape of roles, rules and row filters, wherever they are written: a file, a request, the store.

Reading notes every fault with its place, and reads on. What can be said but never be meant is a fault too: a rule about tables
for an action that knows none, say.
"""

import re
from typing import Final

import yaml

from mcp_gateway.access.policy.globs import MAX_GLOB_CHARS
from mcp_gateway.access.policy.model import (
    ABOUT_SERVERS,
    ABOUT_TABLES,
    ACTIONS,
    OPERATORS,
    Action,
    Effect,
    Grant,
    Operator,
    Role,
    RowFilter,
    Rule,
)
from mcp_gateway.access.policy.shape_values import read_value
from mcp_gateway.core.configuration.nodes import nearest
from mcp_gateway.core.configuration.section import Section

MAX_ITEMS: Final = 500
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ID_FIX = "Use a letter or digit, then letters, digits, '.', '_' and '-', at most 64."
_EFFECTS: Final[dict[str, str]] = {"allow": "allow", "deny": "deny"}
_OPERATORS: Final[dict[str, str]] = {operator: operator for operator in OPERATORS}


def read_rule(section: Section, *, owner: str = "") -> Rule | None:
    """`owner`: the tenant it is stored by, the only one it can be about. None: a fault was noted."""
    before = len(section.faults.found)
    identity = _read_id(section, "id")
    section.missing("effect", "Write allow or deny.")
    effect: Effect = "deny" if section.choice("effect", _EFFECTS) == "deny" else "allow"
    about = _read_about(section, effect)
    rule = Rule(
        id=identity,
        effect=effect,
        actions=about.actions,
        tenants=_read_tenants(section, owner),
        roles=_read_names(section, "roles"),
        subjects=_read_patterns(section, "subjects"),
        servers=about.servers,
        tools=about.tools,
        tables=about.tables,
        columns=about.columns,
        note=section.text("note", longest=500) or "",
        owner=owner,
    )
    section.refuse_unknown_keys()
    return rule if len(section.faults.found) == before else None


def read_role(section: Section, *, owner: str = "") -> Role | None:
    """A role without `allow` and `extends` allows nothing, and can be spoken of in rules. None: a fault was noted."""
    before = len(section.faults.found)
    name = _read_id(section, "name")
    extends = tuple(sorted(_read_names(section, "extends")))
    grants = []
    for part in section.sections("allow"):
        grants.append(_read_about(part, "allow"))
        part.refuse_unknown_keys()
    note = section.text("note", longest=500) or ""
    section.refuse_unknown_keys()
    if len(section.faults.found) != before:
        return None
    return Role(name=name, extends=extends, allow=tuple(grants), tenant=owner, note=note)


def read_row_filter(section: Section, *, owner: str = "") -> RowFilter | None:
    """None: a fault was noted."""
    before = len(section.faults.found)
    identity = _read_id(section, "id")
    section.missing("tables", 'Name the tables, ["orders"] for example.')
    section.missing("column", "Name the column that decides.")
    section.missing("operator", f"Write one of: {', '.join(OPERATORS)}.")
    # choice() gives back only the names it was given.
    operator: Operator = section.choice("operator", _OPERATORS) or "="  # type: ignore[assignment]
    one = RowFilter(
        id=identity,
        tables=_read_patterns(section, "tables"),
        column=_read_column(section),
        operator=operator,
        value=read_value(section, operator),
        tenants=_read_tenants(section, owner),
        roles=_read_names(section, "roles"),
        note=section.text("note", longest=500) or "",
        owner=owner,
    )
    section.refuse_unknown_keys()
    return one if len(section.faults.found) == before else None


def _read_id(section: Section, key: str) -> str:
    section.missing(key, "Write a short name; decisions and the audit trail will say it.")
    text = section.text(key)
    if text is not None and not _ID.fullmatch(text):
        section.faults.note(section.value(key), section.child(key), "is not a usable name", _ID_FIX)
    return text or ""


def _read_about(section: Section, effect: Effect) -> Grant:
    grant = Grant(
        actions=_read_actions(section, effect),
        servers=_read_patterns(section, "servers"),
        tools=_read_patterns(section, "tools"),
        tables=_read_patterns(section, "tables"),
        columns=_read_patterns(section, "columns"),
    )
    if grant.columns and any(not pattern.rpartition(".")[2] for pattern in grant.columns):
        section.faults.note(section.value("columns"), section.child("columns"), "ends in a dot", "Write table.column.")
    _check_meant(section, effect, grant.actions, ("tables", "columns"), ABOUT_TABLES)
    _check_meant(section, effect, grant.actions, ("servers", "tools"), ABOUT_SERVERS)
    return grant


def _read_actions(section: Section, effect: Effect) -> frozenset[Action]:
    """Unsaid, a deny means every action; an allow has to say which."""
    node = section.value("actions")
    said = node is not None
    if not said and effect == "allow":
        section.missing("actions", f"Name what is allowed, of: {', '.join(ACTIONS)}.")
    read: set[Action] = set()
    for word in _texts(section, "actions"):
        known: Action | None = next((action for action in ACTIONS if action == word), None)
        if known is not None:
            read.add(known)
            continue
        near = nearest(word, ACTIONS)
        fix = f"Did you mean {near}?" if near else f"Known: {', '.join(ACTIONS)}."
        section.faults.note(node, section.child("actions"), f"{_as_written(node, word)} is not an action", fix)
    return frozenset(read) if said else frozenset(ACTIONS)


def _as_written(node: yaml.Node | None, word: str) -> str:
    """The word, unless it came out of the environment: what stands there is not shown."""
    items = node.value if isinstance(node, yaml.SequenceNode) else []
    return repr(word[:60]) if any(item.value == word for item in items) else "what a variable holds"


def _check_meant(
    section: Section, effect: Effect, actions: frozenset[Action], keys: tuple[str, str], about: frozenset[Action]
) -> None:
    """An allow about tables must not allow what has none; a deny about them must be able to hit something."""
    key = next((key for key in keys if section.value(key) is not None), None)
    others = actions - about
    if key is None or section.value("actions") is None or not others:
        return
    if effect == "allow" or not actions & about:
        fix = f"Known for {', '.join(action for action in ACTIONS if action in about)}; write a rule of its own for the others."
        section.faults.note(section.value(key), section.child(key), f"means nothing for {', '.join(sorted(others))}", fix)


def _read_tenants(section: Section, owner: str) -> frozenset[str]:
    tenants = _read_names(section, "tenants")
    if owner and tenants - {owner}:
        section.faults.note(
            section.value("tenants"), section.child("tenants"), "names another tenant", "Leave tenants out: it is yours."
        )
    return frozenset({owner}) if owner else tenants


def _read_names(section: Section, key: str) -> frozenset[str]:
    names = _texts(section, key)
    for name in names:
        if "*" in name or "?" in name:
            section.faults.note(section.value(key), section.child(key), "has a pattern", "Names are compared as they are.")
    return frozenset(names)


def _read_patterns(section: Section, key: str) -> tuple[str, ...]:
    patterns = _texts(section, key)
    for pattern in patterns:
        if len(pattern) > MAX_GLOB_CHARS:
            section.faults.note(
                section.value(key), section.child(key), f"has a pattern over {MAX_GLOB_CHARS} characters", "Shorten it."
            )
    return tuple(sorted(set(patterns)))


def _texts(section: Section, key: str) -> tuple[str, ...]:
    """A list that is there but empty would mean "all" by accident, so it is refused."""
    found = len(section.faults.found)
    texts = section.texts(key)
    if section.value(key) is not None and not texts and len(section.faults.found) == found:
        section.faults.note(section.value(key), section.child(key), "is empty", "Name at least one, or leave the key out.")
    if len(texts) > MAX_ITEMS:
        section.faults.note(section.value(key), section.child(key), f"has over {MAX_ITEMS} items", "Use patterns, or two rules.")
    return texts


def _read_column(section: Section) -> str:
    column = section.text("column", longest=128) or ""
    if any(character in column for character in "*?."):
        fix = "Write the name alone; the tables stand in `tables`."
        section.faults.note(section.value("column"), section.child("column"), "is not one column's name", fix)
    return column
