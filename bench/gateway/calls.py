"""What a call through the gateway costs beside the same call directly, through nginx, and through FastMCP's proxy.

The gateway knows the caller by a token, decides by the policy, counts its limits, writes the call into the trail and keeps
figures; nginx and FastMCP's proxy do none of that. Whatever stands between has one processor to itself, the upstream and the load
another. The targets take turns; told are medians of the rounds.

`python -m bench.gateway.calls [--rounds N] [--seconds S]`
"""

import argparse
import contextlib
import sys
from collections.abc import Mapping, Sequence

from bench.figures import print_table
from bench.gateway import rig
from bench.gateway.load import WRK, Figures, Target, in_turns
from tests.programs import Program, folder_for

PEER = "FastMCP's proxy"
HEADER = ["target", "calls/s", "p50, ms", "p99, ms", "bad", "p50 / direct", "p50 / nginx", "calls/s of nginx"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    if WRK is None:
        print("Not measured: wrk is not installed.")
        return 0
    with contextlib.ExitStack() as stack:
        targets = _targets(stack)
        for connections, asked in (
            (1, "at most 5 x direct and 2.5 x nginx"),
            (16, "at least 35 % of nginx, 150 x FastMCP's proxy, nothing bad"),
        ):
            found = in_turns(targets, connections=connections, seconds=options.seconds, rounds=options.rounds)
            noun = "one connection" if connections == 1 else f"{connections} connections"
            print_table(f"`tools/call`, {noun}; asked: {asked}", HEADER, [_row(name, found) for name in found])
            if PEER in found and found[PEER].rate:
                print(f"the gateway answers {found['gateway'].rate / found[PEER].rate:,.0f} x as many calls as {PEER}\n")
    return 0


def _targets(stack: contextlib.ExitStack) -> Sequence[Target]:
    folder = stack.enter_context(folder_for("bench-gateway"))
    upstream = stack.enter_context(rig.upstream())
    gateway, token = stack.enter_context(rig.guarded_gateway(folder / "gateway", upstream))
    # What the peer has not ended when its turn is over takes the processor of whoever is next: direct calls, which need none.
    programs = {
        "direct": upstream,
        "nginx": _entered(stack, rig.nginx(folder / "nginx", upstream)),
        "gateway": gateway,
        PEER: _entered(stack, rig.fastmcp(folder, upstream)),
    }
    for name in (name for name, program in programs.items() if program is None):
        print(f"{name} is not installed: its row is left out.\n")
    return [
        Target(name=name, url=f"{program.url}/mcp", token=token if program is gateway else "")
        for name, program in programs.items()
        if program is not None
    ]


def _entered(stack: contextlib.ExitStack, program: Program | None) -> Program | None:
    return None if program is None else stack.enter_context(program)


def _row(name: str, found: Mapping[str, Figures]) -> list[str]:
    one, direct, nginx = found[name], found["direct"], found.get("nginx")
    beside = [f"{one.p50_ms / nginx.p50_ms:.2f}", f"{one.rate / nginx.rate:.0%}"] if nginx else ["", ""]
    figures = [f"{one.rate:,.0f}", f"{one.p50_ms:.2f}", f"{one.p99_ms:.2f}", str(one.bad), f"{one.p50_ms / direct.p50_ms:.2f}"]
    return [name, *figures, *beside]


if __name__ == "__main__":
    sys.exit(main())
