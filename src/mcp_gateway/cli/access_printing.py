"""What `mcp-gateway access` prints for people. Names come from tokens and rules of others: nothing in them is markup."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from mcp_gateway.access.configuration.file import AccessConfiguration
from mcp_gateway.access.errors import PolicyInvalid
from mcp_gateway.access.policy.bodies import identity_of, to_body
from mcp_gateway.access.policy.dry_run import DryRun, Shift
from mcp_gateway.access.policy.explain import Explanation
from mcp_gateway.access.policy.listing import Listed
from mcp_gateway.access.policy.model import ACTIONS, Grant, Policy, Role
from mcp_gateway.core.errors import Json
from mcp_gateway.core.visible import visible

STEP_WIDTH = 14


def print_explanation(explained: Explanation) -> None:
    """One line a step, the outcome, and what would help."""
    caller, wanted = explained.caller, f"{explained.action} {explained.target}".strip()
    roles = ", ".join(sorted(caller.roles)) or "no role"
    steps = [f"  {'ok' if link.passed else 'no'} {link.step:<{STEP_WIDTH}} {link.detail}" for link in explained.chain]
    outcome = f"{'allowed' if explained.works else 'refused'}: {explained.reason}"
    if explained.works and explained.row_filters:
        outcome += f"; its rows are limited by {', '.join(explained.row_filters)}"
    _write([f"{caller.subject} of {caller.tenant} ({roles}): {wanted}", "", *steps, "", outcome, *explained.advice])


def print_faults(error: PolicyInvalid, *, as_json: bool) -> None:
    """Each fault on a line, with its place and its remedy."""
    if as_json:
        print_json({"valid": False, "error": error.to_dict()})
        return
    faults = error.data.get("faults")
    count = len(faults) if isinstance(faults, list) else 1
    _write([*error.message.split(" | "), "", f"{count} fault{'' if count == 1 else 's'}; this file would be refused."])


def print_check(file: str, read: AccessConfiguration, policy: Policy, *, as_json: bool) -> None:
    """What each role may do, by itself and before any rule."""
    roles = {role.name: _may(role, policy) for role in policy.roles}
    unknown = sorted({role for one in read.providers for role in (*one.roles.values(), *one.groups.values())} - set(roles))
    notes = [f"the role {role}, which a provider gives, is not defined here and grants nothing" for role in unknown]
    said = read.statements
    if as_json:
        facts: dict[str, Json] = {"file": file, "valid": True, "roles": {name: [*may] for name, may in roles.items()}}
        facts |= {"rules": len(said.rules), "row_filters": len(said.row_filters), "providers": len(read.providers)}
        print_json({**facts, "notes": [*notes]})
        return
    _print_table(("role", "may"), [(name, "; ".join(may) or "nothing") for name, may in roles.items()])
    counts = (("custom role", said.roles), ("rule", said.rules), ("row filter", said.row_filters), ("provider", read.providers))
    counted = ", ".join(f"{len(held)} {thing}{'' if len(held) == 1 else 's'}" for thing, held in counts)
    _write(["", *(f"note: {note}" for note in notes), f"{file} is valid: {counted}."])


def print_listed(listed: Iterable[Listed]) -> None:
    """One line each; what it says as JSON, which is also how it would be added."""
    rows = []
    for one in listed:
        body = {key: value for key, value in to_body(one.statement).items() if key not in ("id", "name")}
        rows.append((one.source, one.kind, identity_of(one.statement), json.dumps(body, ensure_ascii=False)))
    _print_table(("from", "kind", "name", "says"), rows)


def print_dry_run(run: DryRun) -> None:
    """Losses first: they are what somebody will call about."""
    for title, shifts in (("past calls", run.of_calls), ("roles", run.of_roles)):
        for verb, allowed in (("lose", False), ("gain", True)):
            found = [shift for shift in shifts if shift.allowed == allowed]
            if found:
                _write([f"{title} that would {verb}:"])
                _print_table(("who", "roles", "action", "on", "calls", "because"), [_row(shift) for shift in found])
                _write([""])
    losing = sum(shift.count for shift in run.of_calls if not shift.allowed)
    _write([f"{run.compared_calls} past calls compared; {losing} of them would be refused. Nothing was changed."])


def _row(shift: Shift) -> tuple[str, ...]:
    count = str(shift.count) if shift.count else ""
    return shift.subject or "anybody", ", ".join(shift.roles), shift.action, str(shift.target), count, shift.reason


def _may(role: Role, policy: Policy) -> list[str]:
    """With all it extends; an action that some part allows without a bound is said once."""
    names = policy.ready_roles[role.tenant, role.name].names
    grants = [grant for one in policy.roles if one.name in names for grant in one.allow]
    unbound = {action for grant in grants if not _bounds(grant) for action in grant.actions}
    if unbound == set(ACTIONS):
        return ["everything"]
    said: list[str] = [action for action in ACTIONS if action in unbound]
    for grant in grants:
        bounded = [action for action in ACTIONS if action in grant.actions - unbound]
        if bounded and _bounds(grant):
            said.append(f"{', '.join(bounded)} on {_bounds(grant)}")
    return said


def _bounds(grant: Grant) -> str:
    kinds = (("server", grant.servers), ("tool", grant.tools), ("table", grant.tables), ("column", grant.columns))
    return ", ".join(f"{kind} {' or '.join(patterns)}" for kind, patterns in kinds if patterns)


def _print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(show_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(visible(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False).print(table)


def print_json(facts: Mapping[str, object]) -> None:
    """Indented, for people and programs alike: what a terminal would obey stands there in JSON's own escapes."""
    text = json.dumps(facts, ensure_ascii=False, indent=2)
    sys.stdout.write("".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in f"{text}\n"))


def _write(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{visible(line)}\n" for line in lines)
