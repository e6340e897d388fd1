"""The words of the policy: what can be done, to what, by which rule, and what was decided. `build.py` makes a `Policy`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from mcp_gateway.access.policy.globs import Glob
from mcp_gateway.access.policy.selectors import Selector

Action: TypeAlias = Literal[
    "ask", "run_query", "read_schema", "call_tool", "read_resource", "get_prompt", "see_servers", "see_health", "see_metrics",
    "see_limits", "diagnose", "generate", "validate", "manage_servers", "manage_access", "issue_tokens", "read_audit",
]  # fmt: skip
Step: TypeAlias = Literal["token", "tenant", "role", "scope", "rule", "server_health", "name"]
Effect: TypeAlias = Literal["allow", "deny"]
Operator: TypeAlias = Literal["=", "!=", "in", "not in", "<", "<=", ">", ">=", "is null", "is not null"]
Scalar: TypeAlias = str | int | float | bool

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
# The actions whose target is a table or a column.
ABOUT_TABLES: Final[frozenset[Action]] = frozenset({"ask", "run_query", "read_schema"})
# The actions whose target may be a server or a tool; the others are about the gateway itself.
ABOUT_SERVERS: Final[frozenset[Action]] = ABOUT_TABLES | {
    "call_tool", "read_resource", "get_prompt", "see_servers", "see_health", "diagnose", "manage_servers",
}  # fmt: skip
OPERATORS: Final[tuple[Operator, ...]] = get_args(Operator)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What an action is about; "" where it is about none. `column` is a name within `table`."""

    server: str = ""
    tool: str = ""
    table: str = ""
    column: str = ""

    def __str__(self) -> str:
        tool = f"{self.server}.{self.tool}" if self.server and self.tool else self.server or self.tool
        table = f"{self.table}.{self.column}" if self.column else self.table
        return " ".join(part for part in (tool, table) if part)


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One step of a decision: whether it was passed, why in a few words, and the rule or role that spoke."""

    step: Step
    passed: bool
    detail: str
    rule: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """`rule` is the id of the rule that decided, or `role:<name>`; "" when nothing spoke for it.

    `scope` is the one the token lacks, when that is all that stands in the way.
    """

    allowed: bool
    chain: tuple[Link, ...]
    rule: str
    reason: str
    scope: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """What a role allows: these actions, on these things. No pattern of a kind: all of that kind."""

    actions: frozenset[Action]
    servers: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """`tenant` is the one it was made by and holds in; "" for every tenant. A role is also each role it extends."""

    name: str
    extends: tuple[str, ...] = ()
    allow: tuple[Grant, ...] = ()
    tenant: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """For whom it speaks: all of `tenants`, `roles` and `subjects` that are not empty must fit. About what: as in a `Grant`.

    `subjects` are patterns, `tenants` and `roles` names. `owner` is the tenant that stored it, "" for a rule of the file.
    """

    id: str
    effect: Effect
    actions: frozenset[Action]
    tenants: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    subjects: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    note: str = ""
    owner: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallerValue:
    """A value taken from the caller: `tenant`, `subject`, or the name of an attribute of its token."""

    attribute: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RowFilter:
    """Rows of these tables are seen by these callers only where the column fits. Several filters of a table all hold.

    `value` is a tuple, never empty, for `in` and `not in`, and None for `is null` and `is not null`.
    """

    id: str
    tables: tuple[str, ...]
    column: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...] | CallerValue | None = None
    tenants: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    note: str = ""
    owner: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowCondition:
    """A row filter for one caller. `impossible`: the caller lacks the attribute compared with, so it may see no row."""

    filter_id: str
    column: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...] | None
    impossible: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadyRole:
    """A role and all it extends, by name, and what each of them allows of an action."""

    names: frozenset[str]
    allows: Mapping[Action, tuple[tuple[str, Selector], ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadyRule:
    """A rule with its patterns made ready."""

    rule: Rule
    selector: Selector
    subjects: tuple[Glob, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadyFilter:
    """A row filter with the patterns of its tables made ready."""

    filter: RowFilter
    tables: Selector


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What speaks about one action on one server's tool: the allows of roles, each with its role's name, and the rules."""

    grants: tuple[tuple[str, Selector], ...]
    rules: tuple[ReadyRule, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadyCaller:
    """What a policy holds for callers of one tenant, subject and roles. `reached` is filled as they ask."""

    roles: tuple[ReadyRole, ...]
    names: frozenset[str]
    unknown: tuple[str, ...]
    rules: tuple[ReadyRule, ...]
    reached: dict[tuple[Action, str, str], Reach] = field(default_factory=dict)


CallerKey: TypeAlias = tuple[str, str, frozenset[str]]
DecisionKey: TypeAlias = tuple[str, str, frozenset[str], frozenset[str] | None, Action, str, str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What is allowed, at one moment. Two with the same `version` decide alike, on every replica.

    `ready_roles` are by tenant ("" for all of them) and name, `ready_rules` and `ready_filters` by tenant ("" for one without its
    own), the smallest id first. `callers` and `remembered` are what was decided before; `decide.py` alone touches them.
    """

    roles: tuple[Role, ...]
    rules: tuple[Rule, ...]
    row_filters: tuple[RowFilter, ...]
    version: str
    ready_roles: Mapping[tuple[str, str], ReadyRole] = field(compare=False, repr=False)
    ready_rules: Mapping[str, tuple[ReadyRule, ...]] = field(compare=False, repr=False)
    ready_filters: Mapping[str, tuple[ReadyFilter, ...]] = field(compare=False, repr=False)
    callers: dict[CallerKey, ReadyCaller] = field(default_factory=dict, compare=False, repr=False)
    remembered: dict[DecisionKey, Decision] = field(default_factory=dict, compare=False, repr=False)
