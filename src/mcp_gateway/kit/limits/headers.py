"""Decisions as HTTP fields; the one place that knows their syntax. Names and values only, no web framework.

`RateLimit-Policy` and `RateLimit` follow draft-ietf-httpapi-ratelimit-headers-11 (23 May 2026; no RFC yet, hence the switch);
`Retry-After` is RFC 9110. The older `X-RateLimit-*` triple is off by default; its reset counts seconds from now.
"""

from typing import TypeAlias

from mcp_gateway.kit.limits.model import Decision, PolicyDecision
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
        if shown.__class__ is not _Shown:
            shown = plan.shown = _Shown(plan)
        fields: list[Field] = []
        age_us = decision.age_us
        if shown.quotas:
            self._add_quota(fields, shown, decision, age_us)
        if not decision.allowed and decision.outcome[0] < NEVER_US:
            fields.append((b"retry-after", b"%d" % _whole(max(1, decision.outcome[0] - age_us))))
        return fields

    def _add_quota(self, fields: list[Field], shown: _Shown, decision: Decision, age_us: int) -> None:
        """The shown rule with the longest wait, otherwise the one with the least share left."""
        outcome = decision.outcome
        closest, longest, least = shown.quotas[0], -1, 2.0
        for quota in shown.quotas:
            at = quota[0]
            wait, left = outcome[at + 2], outcome[at] / quota[1]
            if wait > longest or (wait == longest and left < least):
                closest, longest, least = quota, wait, left
        at, _, name, limit = closest
        remaining = 0 if longest or outcome[at] < 0 else outcome[at]
        seconds = _whole(max(0, (longest or outcome[at + 1]) - age_us))
        if self._draft:
            policy = shown.policy
            quota_item = b"%b%d;t=%d" % (name, remaining, seconds) if seconds else b"%b%d" % (name, remaining)
            if isinstance(decision, PolicyDecision):
                policy = _with_away(shown, decision)
                quota_item += _away(decision.aways[at // 3])
            fields.append((b"ratelimit-policy", policy))
            fields.append((b"ratelimit", quota_item))
        if self._legacy:
            fields.append((b"x-ratelimit-limit", b"%d" % limit))
            fields.append((b"x-ratelimit-remaining", b"%d" % remaining))
            fields.append((b"x-ratelimit-reset", b"%d" % seconds))


def _with_away(shown: _Shown, decision: Decision) -> bytes:
    return b", ".join(item + _away(decision.aways[index]) for index, item in shown.items)


def _away(policy: AwayPolicy | None) -> bytes:
    return b";%b=%b" % (AWAY_PARAMETER, policy.encode()) if policy is not None else b""


def _whole(microseconds: int) -> int:
    return -(-microseconds // 1_000_000)
