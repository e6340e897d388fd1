"""Rules, grants and row filters with their patterns made ready, sorted by tenant.

Each is made once and found again when a policy is built anew: of thousands of rules a change touches one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final, TypeVar

from mcp_gateway.access.policy.globs import compile_glob
from mcp_gateway.access.policy.model import Grant, ReadyFilter, ReadyRule, Role, RowFilter, Rule
from mcp_gateway.access.policy.selectors import Selector, compile_selector

_KEPT: Final = 32_768
_T = TypeVar("_T")
_Statement = TypeVar("_Statement", bound=Rule | RowFilter)


@lru_cache(maxsize=_KEPT)
def ready_rule(rule: Rule) -> ReadyRule:
    """Raises `ValueError` for a pattern that cannot be used."""
    return ReadyRule(rule=rule, selector=_selector(rule), subjects=tuple(map(compile_glob, rule.subjects)))


@lru_cache(maxsize=_KEPT)
def ready_filter(one: RowFilter) -> ReadyFilter:
    """Raises `ValueError` for a pattern that cannot be used."""
    return ReadyFilter(filter=one, tables=compile_selector(tables=one.tables))


@lru_cache(maxsize=_KEPT)
def ready_grant(grant: Grant) -> Selector:
    """Raises `ValueError` for a pattern that cannot be used."""
    return _selector(grant)


def by_tenant(held: Sequence[_Statement], make: Callable[[_Statement], _T]) -> dict[str, tuple[_T, ...]]:
    """What speaks to each tenant that is named, and under "" what speaks to one that is not; in the order given."""
    for_all = [place for place, one in enumerate(held) if not one.tenants]
    own: dict[str, list[int]] = {"": []}
    for place, one in enumerate(held):
        for tenant in one.tenants:
            own.setdefault(tenant, []).append(place)
    return {tenant: tuple(make(held[place]) for place in sorted((*for_all, *places))) for tenant, places in own.items()}


def fingerprint(*parts: Iterable[Role | Rule | RowFilter]) -> str:
    """Of what was said, whichever process says it."""
    digest = blake2b(digest_size=12)
    for part in parts:
        digest.update(b"\x00")
        for one in part:
            digest.update(_canonical_text(one))
    return digest.hexdigest()


def _selector(about: Grant | Rule) -> Selector:
    return compile_selector(servers=about.servers, tools=about.tools, tables=about.tables, columns=about.columns)


@lru_cache(maxsize=_KEPT)
def _canonical_text(one: Role | Rule | RowFilter) -> bytes:
    return repr(_canonical(one)).encode()


def _canonical(value: object) -> object:
    """A value whose text is the same wherever it is made: the order within a set is not."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_canonical(item) for item in value]
    if is_dataclass(value):
        return [type(value).__name__, *(_canonical(getattr(value, one.name)) for one in fields(value))]
    return value
