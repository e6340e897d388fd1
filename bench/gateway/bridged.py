"""What it costs when client and upstream speak different revisions, beside a call where both speak the newest.

Every target is the gateway in front of the same upstream in one era or the other; so is the client. The older upstream is met
twice: answering with JSON, and with an event stream as most such servers do.

`python -m bench.gateway.bridged [--rounds N] [--seconds S]`
"""

import argparse
import sys
from contextlib import ExitStack

from bench.figures import print_table
from bench.gateway import rig
from bench.gateway.load import GATEWAY_CPU, MODERN, OLDER, WRK, Figures, Target, in_turns, open_session
from tests.programs import folder_for, gateway, token

ASKED = 3.0
UPSTREAMS = {"newest": ("modern",), "older": ("legacy",), "older, events": ("legacy", "--events")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    if WRK is None:
        print("Not measured: wrk is not installed.")
        return 0
    with ExitStack() as stack:
        targets = _targets(stack)
        for connections in (1, 16):
            found = in_turns(targets, connections=connections, seconds=options.seconds, rounds=options.rounds)
            same = found[targets[0].name]
            header = ["client -> upstream", "calls/s", "p50, ms", "bad", "p50 / both newest", "time a call / both newest"]
            rows = [_row(name, one, same) for name, one in found.items()]
            print_table(f"{connections} connection(s); asked: at most {ASKED:g} x the same era", header, rows)
    return 0


def _row(name: str, one: Figures, same: Figures) -> list[str]:
    ratios = [f"{one.p50_ms / same.p50_ms:.2f}", f"{same.rate / one.rate:.2f}"]
    return [name, f"{one.rate:,.0f}", f"{one.p50_ms:.2f}", str(one.bad), *ratios]


def _targets(stack: ExitStack) -> list[Target]:
    folder = stack.enter_context(folder_for("bench-bridged"))
    upstreams = {name: stack.enter_context(rig.upstream(*options)) for name, options in UPSTREAMS.items()}
    servers = {f"s{index}": f"{one.url}/mcp" for index, one in enumerate(upstreams.values())}
    program = stack.enter_context(gateway(folder, servers, cpu=GATEWAY_CPU, environment=rig.FAR))
    known = token(program)
    targets = []
    for client, revision in (("newest", MODERN), ("older", OLDER)):
        for index, upstream in enumerate(upstreams):
            url = f"{program.url}/servers/s{index}/mcp"
            session = open_session(url, known) if revision == OLDER else ""
            name = f"{client} -> {upstream}"
            targets.append(Target(name=name, url=url, revision=revision, token=known, session=session))
    return targets


if __name__ == "__main__":
    sys.exit(main())
