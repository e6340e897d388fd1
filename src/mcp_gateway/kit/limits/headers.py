"""A decision as HTTP fields: `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11 (23 May 2026).

    RateLimit-Policy: "tenant";q=100;w=60, "op-chat";q=20;w=10
    RateLimit: "tenant";r=37;t=12

`q` units per `w` seconds; `r` units left of the rule closest to its end, and after `t` seconds more are back (all of them, or
enough for a refused call: never later than `Retry-After`). A draft still: pinned here, in this one place. Rules in shadow, and
those that everybody shares unless they say otherwise, are not shown; nor is any rule when the store did not count.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from mcp_gateway.kit.limits.model import Decision
from mcp_gateway.kit.limits.plans import NEVER_US
from mcp_gateway.kit.limits.rules import Rule

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]

_POLICY, _LIMIT = b"ratelimit-policy", b"ratelimit"
_MICRO = 1_000_000
# An outcome: the wait, then for each rule what remains, when all is back, and its own wait.
_PER_RULE = 3
# Rules are few combinations and many callers: so many rendered ones are kept.
_MOST_KEPT = 4_096


class _Shown(NamedTuple):
    """A shown rule: where its numbers stand in an outcome, what it allows at once, and its name as a string of the header."""

    at: int
    limit: int
    name: str


class _Rendered(NamedTuple):
    rules: Sequence[Rule]
    policy: tuple[bytes, bytes]
    shown: tuple[_Shown, ...]


class LimitHeaders:
    """Renders decisions; what is the same for every decision by the same rules is rendered once."""

    def __init__(self) -> None:
        self._kept: dict[int, _Rendered] = {}

    def render(self, decision: Decision) -> RawHeaders:
        """Lower-case ASGI header pairs; none when there is nothing to show."""
        rules, outcome, age_us = decision.bare
        known = self._kept.get(id(rules))
        if known is None:
            known = self._keep(rules)
        closest, least, wait = None, math.inf, 0
        for shown in known.shown:
            remaining, retry = outcome[shown.at], outcome[shown.at + 2]
            share = remaining / shown.limit
            if remaining >= 0 and (retry > wait or (retry == wait and share < least)):
                closest, least, wait = shown, share, retry
        if closest is None:
            return [known.policy] if known.shown else []
        soon = (wait or outcome[closest.at + 1]) - age_us
        seconds = -(-soon // _MICRO) if 0 < soon < NEVER_US else 0
        return [known.policy, (_LIMIT, f"{closest.name};r={outcome[closest.at]};t={seconds}".encode())]

    def _keep(self, rules: Sequence[Rule]) -> _Rendered:
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        visible = [(index, rule) for index, rule in enumerate(rules) if rule.shown and not rule.shadow]
        policy = ", ".join(f"{_string(rule.name)};q={rule.limit};w={math.ceil(rule.window_seconds)}" for _, rule in visible)
        shown = tuple(_Shown(1 + _PER_RULE * index, rule.most_at_once, _string(rule.name)) for index, rule in visible)
        # The rules are kept too, so that their identity is not given to others.
        return self._kept.setdefault(id(rules), _Rendered(rules, (_POLICY, policy.encode()), shown))


def _string(name: str) -> str:
    """A structured-field string; the names of rules hold nothing that would need escaping."""
    return f'"{name}"'
