"""Why a caller may or may not do something: the whole chain, from the token to the name, and what would change it.

It decides nothing by itself: what `decide` says stands, and what is known of the token, of the server and of the name is put
before and after it. For whoever may manage access alone: from outside, what is unknown and what is forbidden look alike.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from mcp_gateway.access.overage import advice_on_groups, missing_groups
from mcp_gateway.access.policy.decide import ANYTHING, decide, decide_anew
from mcp_gateway.access.policy.model import Action, Decision, Link, Policy, Target
from mcp_gateway.access.policy.row_filters import row_conditions
from mcp_gateway.core.identity import Caller

NameState: TypeAlias = Literal["known", "unknown", "hidden", "not_looked_up"]
ServerState: TypeAlias = Literal["healthy", "degraded", "down", "not_looked_up"]

_NAMES: Final[dict[NameState, str]] = {
    "known": "the name is offered",
    "unknown": "there is no such name here",
    "hidden": "the name exists and a rule of names hides it",
    "not_looked_up": "not looked up",
}
_SERVERS: Final[dict[ServerState, str]] = {
    "healthy": "the server answers",
    "degraded": "the server answers, not always",
    "down": "the server does not answer",
    "not_looked_up": "not looked up",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Circumstances:
    """What the policy does not know. `token_refusal`: why the token was not accepted, "" when it was, or none was given.

    `name_rule` is the one that hides the name; `server_detail` what the last check said.
    """

    token_refusal: str = ""
    token_detail: str = ""
    server_state: ServerState = "not_looked_up"
    server_detail: str = ""
    name_state: NameState = "not_looked_up"
    name_rule: str = ""


NOTHING_KNOWN: Final = Circumstances()


def as_issued(subject: str, tokens: int, option: str) -> Circumstances:
    """Where nobody said which roles are meant: those of the tokens of this gateway; `option` is how others are said."""
    what = f"{tokens} good token{'' if tokens == 1 else 's'} of this gateway"
    return Circumstances(token_detail=f"subject {subject}, with {what}; say {option} for other tokens")


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """`allowed` is the policy's word alone; `works` also minds the token, the server and the name. `advice`: what would help.

    `row_filters` are the ids of those that limit which rows of the table this caller sees.
    """

    caller: Caller
    action: Action
    target: Target
    allowed: bool
    works: bool
    reason: str
    chain: tuple[Link, ...]
    advice: tuple[str, ...]
    row_filters: tuple[str, ...] = ()


def explain(
    policy: Policy, caller: Caller, action: Action, target: Target = ANYTHING, circumstances: Circumstances = NOTHING_KNOWN
) -> Explanation:
    decision = decide(policy, caller, action, target)
    chain = (_token(caller, circumstances), *decision.chain[1:], _server(target, circumstances), _name(target, circumstances))
    failed = next((link for link in chain if not link.passed and link.step != "role"), None)
    return Explanation(
        caller=caller,
        action=action,
        target=target,
        allowed=decision.allowed,
        works=failed is None,
        reason=decision.reason if failed is None else failed.detail,
        chain=chain,
        advice=_advice(policy, caller, action, target, decision, chain),
        row_filters=tuple(one.filter_id for one in row_conditions(policy, caller, target.table)) if target.table else (),
    )


def parse_column(name: str) -> Target:
    """`table.column`; Raises nothing: without a dot it is a table."""
    table, dot, column = name.rpartition(".")
    return Target(table=table, column=column) if dot else Target(table=name)


def _token(caller: Caller, known: Circumstances) -> Link:
    if known.token_refusal:
        return Link(step="token", passed=False, detail=known.token_refusal)
    issuer = f" from {caller.issuer}" if caller.issuer else ""
    missing = missing_groups(caller)
    said = known.token_detail or f"subject {caller.subject}{issuer}"
    return Link(step="token", passed=True, detail=f"{said}; {missing}" if missing else said)


def _server(target: Target, known: Circumstances) -> Link:
    if not target.server:
        return Link(step="server_health", passed=True, detail="about no server")
    detail = known.server_detail or _SERVERS[known.server_state]
    return Link(step="server_health", passed=known.server_state != "down", detail=f"{target.server}: {detail}")


def _name(target: Target, known: Circumstances) -> Link:
    if target == ANYTHING:
        return Link(step="name", passed=True, detail="about no name")
    passed = known.name_state in ("known", "not_looked_up")
    return Link(step="name", passed=passed, detail=f"{target}: {_NAMES[known.name_state]}", rule=known.name_rule)


def _advice(
    policy: Policy, caller: Caller, action: Action, target: Target, decision: Decision, chain: tuple[Link, ...]
) -> tuple[str, ...]:
    if not chain[0].passed:
        return ("Get a token that is accepted: `mcp-gateway auth doctor` says what is wrong with this one.",)
    said = []
    if decision.scope:
        said.append(f"Ask for a token with the scope {decision.scope}.")
    if not decision.allowed and not decision.scope:
        denying = next((rule for rule in policy.rules if rule.id == decision.rule and rule.owner in ("", caller.tenant)), None)
        if denying is not None:
            place = f"stored by tenant {denying.owner}" if denying.owner else "in ACCESS_FILE"
            note = f' It says: "{denying.note}"' if denying.note else ""
            said.append(f"Change the rule {denying.id}, {place}; no allow wins over it.{note}")
        elif caller.tenant:
            said += (_roles_that_would_do(policy, caller, action, target), *advice_on_groups(caller))
    server, name = chain[-2:]
    if not server.passed:
        said.append(f"Start the server {target.server}, or look at /api/health for what is wrong with it.")
    if not name.passed:
        said.append(
            f"Change the rule of names {name.rule}." if name.rule else "Check the spelling; the catalogue lists the names."
        )
    return tuple(said)


def _roles_that_would_do(policy: Policy, caller: Caller, action: Action, target: Target) -> str:
    here = sorted({name for tenant, name in policy.ready_roles if tenant in ("", caller.tenant)})
    fitting = [
        role
        for role in here
        if decide_anew(
            policy, Caller(tenant=caller.tenant, subject=caller.subject, roles=caller.roles | {role}), action, target
        ).allowed
    ]
    if not fitting:
        return "No role there is allows it: write a role or a rule that does."
    return f"Give {caller.subject} one of the roles that allow it ({', '.join(fitting)}), or write a rule that does."
