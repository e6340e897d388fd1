"""What a decision costs: remembered, made anew, and with more rules or hostile patterns. `python -m bench.access_policy`.

CPU time, best of some rounds; the ratios are what holds on another machine. Promised: a remembered decision in 3 µs.
"""

import sys
import time
from collections.abc import Callable

from bench.figures import print_table

from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.decide import decide, decide_anew
from mcp_gateway.access.policy.globs import MAX_GLOB_CHARS, compile_glob
from mcp_gateway.access.policy.model import ACTIONS, Grant, Policy, Role, Rule, Target
from mcp_gateway.core.identity import Caller

PROMISED_MICROSECONDS = 3.0
ROUNDS = 7
CALLER = Caller(tenant="acme", subject="alice", roles=frozenset({"operator", "finance"}), scopes=frozenset({"gateway.call"}))
TARGET = Target(server="tables", tool="execute_query")


def microseconds(work: Callable[[], object], times: int) -> float:
    """CPU per call, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - started) / times * 1e6)
    return best


def policy_of(rules: int) -> Policy:
    """Half of the rules are about the caller's tenant, each with patterns for servers and tools; none decides."""
    finance = Role(name="finance", extends=("viewer",), allow=(Grant(actions=frozenset({"ask"}), tables=("orders*",)),))
    held = tuple(
        Rule(
            id=f"r{number}",
            effect="deny" if number % 2 else "allow",
            actions=frozenset(ACTIONS),
            tenants=frozenset({"acme" if number % 4 < 2 else "globex"}),
            servers=(f"server-{number}", f"*-{number}"),
            tools=("drop_*", "delete_?*"),
        )
        for number in range(rules)
    )
    return build_policy(Statements(roles=(finance,), rules=held))


def measure_decisions() -> bool:
    rows, promised = [], True
    for rules in (0, 10, 100, 1_000):
        policy = policy_of(rules)
        remembered = microseconds(lambda policy=policy: decide(policy, CALLER, "call_tool", TARGET), 100_000)  # type: ignore[misc]
        anew = microseconds(
            lambda policy=policy: decide_anew(policy, CALLER, "call_tool", TARGET),  # type: ignore[misc]  # bound now
            max(20_000 // (rules + 1), 50),
        )
        promised = promised and remembered <= PROMISED_MICROSECONDS
        rows.append([str(rules), f"{remembered:.2f}", f"{anew:.1f}", f"1 : {anew / remembered:.0f}"])
    print_table("One decision, in µs of CPU", ["rules", "remembered", "made anew", "ratio"], rows)
    return promised


def measure_fresh_callers() -> None:
    """Nothing is remembered for them: a flood of new names costs this much, and no memory beyond the bound."""
    policy = policy_of(100)
    callers = [Caller(tenant="acme", subject=f"s{number}", roles=frozenset({"viewer"})) for number in range(20_000)]
    started = time.process_time()
    for caller in callers:
        decide(policy, caller, "call_tool", TARGET)
    each = (time.process_time() - started) / len(callers) * 1e6
    rows = [["20,000 callers never seen", f"{each:.1f}"], ["one caller, 5,000 columns", f"{per_column(policy):.1f}"]]
    print_table("Decisions of which none is remembered, 100 rules", ["", "µs of CPU each"], rows)


def per_column(policy: Policy) -> float:
    """What a caller may see of a database is asked column by column."""
    targets = [Target(table=f"table_{number // 10}", column=f"column_{number}") for number in range(5_000)]
    started = time.process_time()
    for target in targets:
        decide(policy, CALLER, "ask", target)
    return (time.process_time() - started) / len(targets) * 1e6


def measure_patterns() -> None:
    rows = []
    for piece in ("literal", "a*", "*a?", "a?*b"):
        pattern = "orders_2024" if piece == "literal" else f"{(piece * MAX_GLOB_CHARS)[: MAX_GLOB_CHARS - 2]}!*"
        glob = compile_glob(pattern)
        short, long = ("a" * 1_000, "a" * 10_000)
        costs = [microseconds(lambda text=text, glob=glob: glob.matches(text), 20) for text in (short, long)]  # type: ignore[misc]
        rows.append([f"{piece} repeated" if piece != "literal" else pattern, *(f"{cost:.1f}" for cost in costs)])
    print_table("Hostile patterns of 256 characters, in µs of CPU", ["pattern", "1,000 characters", "10,000 characters"], rows)


def measure_building() -> None:
    rows = [[f"{rules:,}", f"{microseconds(lambda rules=rules: policy_of(rules), 1) / 1000:.1f}"] for rules in (10, 100, 1_000)]  # type: ignore[misc]
    print_table("Building a policy, in ms of CPU", ["rules", "ms"], rows)


def main() -> int:
    promised = measure_decisions()
    measure_fresh_callers()
    measure_patterns()
    measure_building()
    print(f"a remembered decision within {PROMISED_MICROSECONDS:g} µs: {'kept' if promised else 'NOT KEPT'}")
    return 0 if promised else 1


if __name__ == "__main__":
    sys.exit(main())
