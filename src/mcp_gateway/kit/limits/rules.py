"""Rules: how much of what, for whom, in how long a time. Values only; which of them meet in one call is `plans.py`.

A rule names a budget. Its `scope` says who shares it: one caller, one tenant, or everybody. Rules of one name are variants of the
same rule: for each call the most specific one counts (a named tenant before any tenant, a named operation before a pattern before
any, a later one before an earlier one), so a stored rule overrides a configured one by carrying its name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from mcp_gateway.kit.errors import InvalidRule

Scope: TypeAlias = Literal["caller", "tenant", "global"]
Algorithm: TypeAlias = Literal["window", "exact", "gcra"]
AwayPolicy: TypeAlias = Literal["local", "open", "closed"]
Kind: TypeAlias = Literal["read", "write"]

ANY = "*"
MAX_LIMIT = 1_000_000_000
# An exact rule keeps every admission (6 bytes each) and moves them all in one call.
MAX_EXACT_LIMIT = 10_000
MAX_WINDOW_SECONDS = 31 * 24 * 3600.0
MIN_WINDOW_SECONDS = 0.01
MAX_BUCKETS = 60

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_PATTERN = re.compile(r"[^*\x00-\x1f\x7f]{1,200}\*?|\*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """At most `limit` (sum of costs) in any `window_seconds`, by one of three algorithms.

    `window`: never more than `limit` in any window; counts in `buckets` steps, so what was used comes back up to one step late.
    `exact`: never more, and back to the millisecond; keeps every admission, `limit` at most `MAX_EXACT_LIMIT`.
    `gcra`: an even flow with `burst` at once; at most `limit + burst` in any window. None for `burst` is a tenth of the limit.

    `operations` and `tenants`: exact names, `prefix*` (operations only) or `*`. `each_operation` gives every operation its own
    budget, otherwise all matching ones share it. `shadow`: judged and reported, never enforced. `when_away`: what happens without
    the store; None follows the kind of the operation. `visible`: shown in headers; None hides what everybody shares.
    `expires_at` ends a stored override; `author` and `reason` are for whoever reads it later.
    """

    name: str
    limit: int
    window_seconds: float
    scope: Scope = "tenant"
    algorithm: Algorithm = "window"
    operations: tuple[str, ...] = (ANY,)
    tenants: tuple[str, ...] = (ANY,)
    each_operation: bool = True
    burst: int | None = None
    buckets: int = 10
    shadow: bool = False
    enabled: bool = True
    when_away: AwayPolicy | None = None
    visible: bool | None = None
    expires_at: datetime | None = None
    author: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        _check_selectors(self.name, self.operations, self.tenants)
        _check_whole(self.name, "limit", self.limit, 1, MAX_EXACT_LIMIT if self.algorithm == "exact" else MAX_LIMIT)
        _check_number(self.name, "window_seconds", self.window_seconds, MIN_WINDOW_SECONDS, MAX_WINDOW_SECONDS)
        _check_whole(self.name, "buckets", self.buckets, 1, MAX_BUCKETS)
        if self.scope not in {"caller", "tenant", "global"}:
            raise InvalidRule(f"Rule {self.name}: scope is caller, tenant or global.", rule=self.name)
        if self.algorithm not in {"window", "exact", "gcra"}:
            raise InvalidRule(f"Rule {self.name}: algorithm is window, exact or gcra.", rule=self.name)
        if self.when_away not in {None, "local", "open", "closed"}:
            raise InvalidRule(f"Rule {self.name}: when_away is local, open or closed.", rule=self.name)
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            raise InvalidRule(f"Rule {self.name}: expires_at needs a time zone.", rule=self.name)
        if self.algorithm == "gcra":
            _check_whole(self.name, "limit", self.limit, 1, int(self.window_seconds * 1_000_000))
        if self.burst is not None:
            if self.algorithm != "gcra":
                raise InvalidRule(f"Rule {self.name}: only gcra has a burst.", rule=self.name)
            _check_whole(self.name, "burst", self.burst, 1, self.limit)

    @property
    def most_at_once(self) -> int:
        """The largest cost one call may have."""
        if self.algorithm != "gcra":
            return self.limit
        return self.burst if self.burst is not None else max(1, self.limit // 10)

    @property
    def window_us(self) -> int:
        return round(self.window_seconds * 1_000_000)

    @property
    def step_us(self) -> int:
        """`window`: length of a bucket. `gcra`: time between two units. Rounded up, so that never more is let through."""
        return -(-self.window_us // (self.buckets if self.algorithm == "window" else self.limit))

    @property
    def shape(self) -> str:
        """What the stored state depends on; part of the key. A changed limit keeps the count, a changed window starts anew."""
        seconds = f"{self.window_seconds:.6f}".rstrip("0").rstrip(".")
        if self.algorithm == "window":
            return f"w{seconds}" if self.buckets == 10 else f"w{seconds}x{self.buckets}"
        return f"{'x' if self.algorithm == 'exact' else 'g'}{seconds}"

    @property
    def shown(self) -> bool:
        return self.visible if self.visible is not None else self.scope != "global"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConcurrencyRule:
    """At most `limit` calls at the same time; each holds a lease, renewed while it runs, that lapses `lease_seconds` after a
    death.
    """

    name: str
    limit: int
    scope: Scope = "tenant"
    operations: tuple[str, ...] = (ANY,)
    tenants: tuple[str, ...] = (ANY,)
    each_operation: bool = True
    lease_seconds: float = 30.0
    enabled: bool = True
    when_away: AwayPolicy | None = None
    expires_at: datetime | None = None
    author: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        _check_selectors(self.name, self.operations, self.tenants)
        _check_whole(self.name, "limit", self.limit, 1, 100_000)
        _check_number(self.name, "lease_seconds", self.lease_seconds, 0.05, 3600.0)
        if self.scope not in {"caller", "tenant", "global"}:
            raise InvalidRule(f"Rule {self.name}: scope is caller, tenant or global.", rule=self.name)
        if self.when_away not in {None, "local", "open", "closed"}:
            raise InvalidRule(f"Rule {self.name}: when_away is local, open or closed.", rule=self.name)
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            raise InvalidRule(f"Rule {self.name}: expires_at needs a time zone.", rule=self.name)


AnyRule: TypeAlias = Rule | ConcurrencyRule


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleSet:
    """Everything decisions follow, as one value that is replaced as a whole.

    `weights`: what a call of an operation costs when the caller does not say, 1 by default. `reads`: patterns of operations that
    change nothing; all others count as writes. `revision`: of the stored rules, 0 when there are none.
    """

    rules: tuple[Rule, ...] = ()
    concurrency: tuple[ConcurrencyRule, ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    revision: int = 0

    def __post_init__(self) -> None:
        for operation, weight in self.weights.items():
            _check_whole(operation, "weight", weight, 1, MAX_LIMIT)
        if clash := {rule.name for rule in self.rules} & {rule.name for rule in self.concurrency}:
            raise InvalidRule(f"{min(clash)} names both a rate and a concurrency rule.")
        scopes: dict[str, Scope] = {}
        for rule in self.rules:
            if scopes.setdefault(rule.name, rule.scope) != rule.scope:
                raise InvalidRule(f"Rule {rule.name}: its variants must have one scope.", rule=rule.name)

    def kind_of(self, operation: str) -> Kind:
        return "read" if any(_fit(pattern, operation) for pattern in self.reads) else "write"

    def rules_for(self, tenant: str, operation: str) -> tuple[Rule, ...]:
        """The variant of each rule that counts for such a call, in the order in which the names first appear."""
        return tuple(chosen for chosen in _choose(self.rules, tenant, operation) if isinstance(chosen, Rule))

    def concurrency_for(self, tenant: str, operation: str) -> tuple[ConcurrencyRule, ...]:
        chosen = _choose(self.concurrency, tenant, operation)
        return tuple(rule for rule in chosen if isinstance(rule, ConcurrencyRule))

    def overlaid(self, other: "RuleSet") -> "RuleSet":
        """These rules with `other`'s on top: its variants win where they are as specific."""
        return RuleSet(
            rules=self.rules + other.rules,
            concurrency=self.concurrency + other.concurrency,
            weights={**self.weights, **other.weights},
            reads=self.reads + other.reads,
            revision=other.revision,
        )

    def without_expired(self, now: datetime) -> "RuleSet":
        return RuleSet(
            rules=tuple(rule for rule in self.rules if rule.expires_at is None or rule.expires_at > now),
            concurrency=tuple(rule for rule in self.concurrency if rule.expires_at is None or rule.expires_at > now),
            weights=self.weights,
            reads=self.reads,
            revision=self.revision,
        )


def _choose(rules: tuple[AnyRule, ...], tenant: str, operation: str) -> list[AnyRule]:
    best: dict[str, tuple[tuple[int, int], AnyRule]] = {}
    for rule in rules:
        if tenant in rule.tenants:
            about_tenant = 1
        elif ANY in rule.tenants:
            about_tenant = 0
        else:
            continue
        about_operation = max((_fit(pattern, operation) for pattern in rule.operations), default=0)
        if not about_operation:
            continue
        rank = (about_tenant, about_operation)
        if rule.name not in best or rank >= best[rule.name][0]:
            best[rule.name] = (rank, rule)
    return [rule for _, rule in best.values() if rule.enabled]


def _fit(pattern: str, operation: str) -> int:
    """0: does not match; higher: more specific."""
    if pattern == operation:
        return 1_000
    if pattern.endswith(ANY) and operation.startswith(pattern[:-1]):
        return len(pattern)
    return 0


def _check_selectors(name: str, operations: tuple[str, ...], tenants: tuple[str, ...]) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidRule("A rule's name is 1 to 64 letters, digits, `_`, `.` or `-`.", rule=name[:64])
    if not operations or not all(_PATTERN.fullmatch(pattern) for pattern in operations):
        raise InvalidRule(f"Rule {name}: operations are names, `prefix*` or `*`, at least one.", rule=name)
    if not tenants or not all(tenants):
        raise InvalidRule(f"Rule {name}: tenants are names or `*`, at least one.", rule=name)


def _check_whole(name: str, what: str, value: object, least: int, most: int) -> None:
    if value.__class__ is not int:  # no bool either
        raise InvalidRule(f"Rule {name}: {what} must be a whole number.", rule=name, field=what)
    _check_number(name, what, value, least, most)


def _check_number(name: str, what: str, value: object, least: float, most: float) -> None:
    if not isinstance(value, int | float) or not least <= value <= most:
        raise InvalidRule(f"Rule {name}: {what} must lie between {least:g} and {most:g}.", rule=name, field=what)
