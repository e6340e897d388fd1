"""Decisions as HTTP fields; the one place that knows their syntax. Names and values only, no web framework.

`RateLimit-Policy` and `RateLimit` follow draft-ietf-httpapi-ratelimit-headers-11 (23 May 2026; no RFC yet, hence the switch);
`Retry-After` is RFC 9110. The older `X-RateLimit-*` triple is off by default; its reset counts seconds from now.
"""

import math
from typing import TypeAlias

from mcp_gateway.kit.limits.model import Decision
from mcp_gateway.kit.limits.plans import NEVER_US, Plan
from mcp_gateway.kit.limits.rules import AwayPolicy

Field: TypeAlias = tuple[bytes, bytes]

# A parameter of our own, prefixed as the draft wants it: the policy that stands in for a store that is away.
AWAY_PARAMETER = b"mcp-gateway-away"


class _Shown:
    """What a plan's fields always say. `quotas`: where a shown rule's figures begin in the outcome, its full share, its item."""

    __slots__ = ("items", "policy", "quotas")

    def __init__(self, plan: Plan) -> None:
        visible = [(index, rule) for index, rule in enumerate(plan.rules) if rule.shown and not rule.shadow]
        # The draft's window is whole seconds; half a second is told as one.
        self.items = [
            (index, b'"%b";q=%d;w=%d' % (rule.name.encode(), rule.limit, _whole(rule.window_us))) for index, rule in visible
        ]
        self.policy = b", ".join(item for _, item in self.items)
        self.quotas = [(1 + 3 * index, rule.most_at_once, b'"%b";r=' % rule.name.encode(), rule.limit) for index, rule in visible]


class LimitHeaders:
    """`draft`: the two fields of the draft; `legacy`: the older three. `Retry-After` is always told when waiting helps.

    Rules in shadow are never shown; nor are rules that everybody shares, unless their `visible` says so: their figures are other
    tenants' traffic. `t` is the wait when the rule refuses, otherwise the time until all of the quota is back.
    """

    def __init__(self, *, draft: bool = True, legacy: bool = False) -> None:
        self._draft = draft
        self._legacy = legacy

    def render(self, decision: Decision) -> list[Field]:
        """The fields of the response that this decision led to, as ASGI wants them; seconds are whole, rounded up."""
        plan = decision.plan
        shown = plan.shown
        if not isinstance(shown, _Shown):
            shown = plan.shown = _Shown(plan)
        fields: list[Field] = []
        if shown.quotas:
            remaining, wait_us, name, limit, where = _closest(shown, decision)
            if self._draft:
                policy, away = shown.policy, b""
                if decision.degraded is not None:
                    policy, away = _with_away(shown, decision), _away(decision.aways[where])
                fields.append((b"ratelimit-policy", policy))
                fields.append(
                    (b"ratelimit", b"%b%d%b%b" % (name, remaining, b";t=%d" % _whole(wait_us) if wait_us else b"", away))
                )
            if self._legacy:
                fields.append((b"x-ratelimit-limit", b"%d" % limit))
                fields.append((b"x-ratelimit-remaining", b"%d" % remaining))
                fields.append((b"x-ratelimit-reset", b"%d" % _whole(wait_us)))
        if not decision.allowed and decision.outcome[0] < NEVER_US:
            fields.append((b"retry-after", b"%d" % _whole(max(1, decision.outcome[0] - decision.age_us))))
        return fields


def _closest(shown: _Shown, decision: Decision) -> tuple[int, int, bytes, int, int]:
    """The shown rule with the longest wait, otherwise with the least share left: remaining, microseconds, item, limit, place."""
    outcome, age_us = decision.outcome, decision.age_us
    best: tuple[float, float] = (1.0, 0.0)
    chosen = (0, 0, b"", 0, 0)
    for at, share, name, limit in shown.quotas:
        remaining, reset, wait = outcome[at], outcome[at + 1], outcome[at + 2]
        rank = (-wait, remaining / share)
        if rank < best:
            best = rank
            left = 0 if wait or remaining < 0 else remaining
            chosen = (left, max(0, (wait or reset) - age_us), name, limit, at // 3)
    return chosen


def _with_away(shown: _Shown, decision: Decision) -> bytes:
    return b", ".join(item + _away(decision.aways[index]) for index, item in shown.items)


def _away(policy: AwayPolicy | None) -> bytes:
    return b";%b=%b" % (AWAY_PARAMETER, policy.encode()) if policy is not None else b""


def _whole(microseconds: int) -> int:
    return math.ceil(microseconds / 1_000_000)
