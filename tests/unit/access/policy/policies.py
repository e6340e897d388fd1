"""Policies, callers and questions for property tests, and a naive model of what is allowed."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from hypothesis import strategies as st

from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.model import ACTIONS, Action, Grant, Policy, Role, Rule, Target
from mcp_gateway.access.policy.roles import BUILT_IN_ROLES, SCOPE_OF, SCOPES
from mcp_gateway.core.identity import Caller

TENANTS = ("acme", "globex")
SUBJECTS = ("alice", "bob", "entra:carol")
CUSTOM_ROLES = ("finance", "lead", "night")
ROLE_NAMES = (*(role.name for role in BUILT_IN_ROLES), *CUSTOM_ROLES)

# Few words, so that patterns and names meet often.
_servers = st.sampled_from(["", "tables", "hr", "HR"])
_tools = st.sampled_from(["", "execute_query", "list_tables"])
_tables = st.sampled_from(["", "orders", "Orders_2024", "payroll", "hr.payroll"])
_columns = st.sampled_from(["", "email", "Salary"])
# Whole lists to choose from: drawing each item by itself would take most of the tests' time.
_server_globs = st.sampled_from([(), (), ("*",), ("hr",), ("tab*", "?R"), ("?R",), ("hr", "tables")])
_tool_globs = st.sampled_from([(), (), ("*",), ("execute_*",), ("list_?ables", "x"), ("x",)])
_table_globs = st.sampled_from([(), (), ("*",), ("orders*",), ("PAYROLL", "?rders"), ("*.payroll",), ("?rders", "PAYROLL")])
_column_globs = st.sampled_from([(), (), (), ("email",), ("orders.*",), ("*.SALARY", "email"), ("payroll.e*",), ("hr.*.s*",)])
_actions = st.sampled_from(ACTIONS)
_some_actions = st.sampled_from(
    [frozenset({one}) for one in ACTIONS]
    + [frozenset(ACTIONS), frozenset(ACTIONS[:3]), frozenset(ACTIONS[3:6]), frozenset(ACTIONS[::2]), frozenset(ACTIONS[1::2])]
)

# Everything that can be asked, small enough to be asked whole: one drawn question would rarely meet a drawn rule.
GRID: tuple[tuple[Action, Target], ...] = tuple(
    (action, Target(server=server, tool=tool, table=table, column=column))
    for action in ("ask", "read_schema", "call_tool", "see_metrics", "manage_access")
    for server, tool in (("", ""), ("hr", "execute_query"), ("HR", ""), ("tables", "list_tables"))
    for table, column in (
        ("", ""),
        ("", "email"),
        ("orders", ""),
        ("Orders_2024", "Email"),
        ("hr.payroll", "salary"),
        ("payroll", ""),
    )
)
targets = st.builds(Target, server=_servers, tool=_tools, table=_tables, column=_columns)
actions = _actions
callers = st.builds(
    Caller,
    tenant=st.sampled_from(TENANTS),
    subject=st.sampled_from(SUBJECTS),
    roles=st.frozensets(st.sampled_from([*ROLE_NAMES, "nobody-knows", "ADMIN", ""]), max_size=3),
    scopes=st.none() | st.frozensets(st.sampled_from([*SCOPES, "openid", "gateway.unknown"]), max_size=3),
)
_grants = st.builds(
    Grant, actions=_some_actions, servers=_server_globs, tools=_tool_globs, tables=_table_globs, columns=_column_globs
)


@st.composite
def rules(draw: st.DrawFn, *, effect: str | None = None, tenants: Iterable[str] = TENANTS, prefix: str = "r") -> Rule:
    some_roles = [
        frozenset[str](),
        frozenset({"viewer"}),
        frozenset({"lead", "admin"}),
        frozenset({"finance"}),
        frozenset({"night"}),
    ]
    held = [frozenset({one}) for one in tenants]
    return Rule(
        id=prefix + draw(st.sampled_from("abcdefghijklm")),
        effect=draw(st.sampled_from(["allow", "deny"])) if effect is None else effect,  # type: ignore[arg-type]  # one of the two
        actions=draw(_some_actions),
        tenants=draw(st.sampled_from(held if len(held) == 1 else [frozenset[str](), frozenset(TENANTS), *held])),
        roles=draw(st.sampled_from(some_roles)),
        subjects=draw(st.sampled_from([(), (), ("alice",), ("entra:*", "b?b")])),
        servers=draw(_server_globs),
        tools=draw(_tool_globs),
        tables=draw(_table_globs),
        columns=draw(_column_globs),
    )


@st.composite
def statements(draw: st.DrawFn) -> Statements:
    """The custom roles extend only what stands before them, so there is no circle."""
    roles: list[Role] = []
    for name in CUSTOM_ROLES:
        known = [role.name for role in (*BUILT_IN_ROLES, *roles)]
        extends = tuple({draw(st.sampled_from(known)), draw(st.sampled_from(known))}) if draw(st.booleans()) else ()
        roles.append(Role(name=name, extends=extends, allow=draw(st.lists(_grants, max_size=2).map(tuple))))
    held = draw(st.lists(rules(), max_size=5, unique_by=lambda rule: rule.id))
    return Statements(roles=tuple(roles), rules=tuple(held))


policies = statements().map(build_policy)


def naively_allowed(policy: Policy, caller: Caller, action: Action, target: Target) -> bool:
    """The words of docs/access/policy.md, written down without a thought for speed."""
    by_name = {role.name: role for role in policy.roles}
    roles, open_names = set(), [name for name in caller.roles if name in by_name]
    while open_names:
        name = open_names.pop()
        if name not in roles:
            roles.add(name)
            open_names += by_name[name].extends
    about = [rule for rule in policy.rules if _speaks_to(rule, caller, roles) and action in rule.actions]
    if any(rule.effect == "deny" and _denies(rule, target) for rule in about):
        return False
    ours = {scope for scope in caller.scopes or () if scope.startswith("gateway.")}
    if ours and SCOPE_OF[action] not in ours:
        return False
    grants: list[Grant | Rule] = [grant for name in roles for grant in by_name[name].allow if action in grant.actions]
    grants += [rule for rule in about if rule.effect == "allow"]
    return any(_allows(grant, target) for grant in grants)


def _speaks_to(rule: Rule, caller: Caller, roles: set[str]) -> bool:
    return (
        (not rule.tenants or caller.tenant in rule.tenants)
        and (not rule.roles or bool(rule.roles & roles))
        and (not rule.subjects or any(fnmatchcase(caller.subject, glob) for glob in rule.subjects))
    )


def _reaches(grant: Grant | Rule, target: Target) -> bool:
    return (not grant.servers or any(fnmatchcase(target.server, glob) for glob in grant.servers)) and (
        not grant.tools or any(fnmatchcase(target.tool, glob) for glob in grant.tools)
    )


def _fits_table(grant: Grant | Rule, table: str) -> bool:
    return not grant.tables or any(fnmatchcase(table.lower(), glob.lower()) for glob in grant.tables)


def _column_globs_of(grant: Grant | Rule) -> list[tuple[str, str]]:
    return [(glob.rpartition(".")[0] or "*", glob.rpartition(".")[2]) for glob in grant.columns]


def _denies(rule: Rule, target: Target) -> bool:
    if not _reaches(rule, target) or (rule.tables and not target.table) or not _fits_table(rule, target.table):
        return False
    return not rule.columns or (
        bool(target.column)
        and any(
            fnmatchcase(target.table.lower(), table.lower()) and fnmatchcase(target.column.lower(), own.lower())
            for table, own in _column_globs_of(rule)
        )
    )


def _allows(grant: Grant | Rule, target: Target) -> bool:
    if not _reaches(grant, target):
        return False
    if not target.table:
        return not (target.column and (grant.tables or grant.columns))
    if not _fits_table(grant, target.table):
        return False
    return not grant.columns or any(
        fnmatchcase(target.table.lower(), table.lower())
        and (not target.column or fnmatchcase(target.column.lower(), own.lower()))
        for table, own in _column_globs_of(grant)
    )
