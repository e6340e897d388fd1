"""A gateway with 1,000 servers of 20 tools each, beside the same gateway with one: start, memory, a call, and the list.

`python -m bench.gateway.many_servers [--servers N] [--rounds N] [--seconds S]`
"""

import argparse
import asyncio
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

from bench.figures import print_table
from bench.gateway import rig
from bench.gateway.load import GATEWAY_CPU, WRK, Target, in_turns
from bench.gateway.upstream import TOOLS_OF_EACH
from bench.gateway.wire import Wire
from tests.programs import Program, folder_for, gateway, token

PATIENCE_SECONDS = 240.0
LISTS = 15
# Of one processor.
AT_REST = 0.1
LOOKING_SECONDS = 2.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(folder_for("bench-many"))
        upstream = stack.enter_context(rig.upstream())
        one, many = _programs(stack, folder, upstream, options.servers)
        tokens = {program.port: token(program) for program in (one, many)}
        begun = perf_counter()
        tools = asyncio.run(_until_all(many, tokens[many.port], options.servers * TOOLS_OF_EACH))
        complete = perf_counter() - begun
        resting = _until_at_rest(many)
        lists = asyncio.run(_lists(many, tokens[many.port]))
        header = ["what", "1 server", f"{options.servers:,} servers", "asked"]
        rows = [
            ["start until it answers, s", f"{one.started_in:.1f}", f"{many.started_in:.1f}", "at most 10"],
            ["then until the list is whole, s", "", f"{complete:.1f}", ""],
            ["then until it is at rest, s", "", f"{resting:.1f}", ""],
            ["tools listed", "", f"{tools:,}", f"{options.servers * TOOLS_OF_EACH:,}"],
            ["first page of the list, kept, p50 ms", "", f"{median(lists) * 1000:.1f}", "at most 20"],
            ["memory, MB", f"{one.rss_megabytes():.0f}", f"{many.rss_megabytes():.0f}", "stated"],
        ]
        rows += _calls(one, many, tokens, options)
        print_table("Many servers", header, rows)
    return 0


def _programs(stack: ExitStack, folder: Path, upstream: Program, number: int) -> tuple[Program, Program]:
    found = []
    for name, servers in (("one", 1), ("many", number)):
        (folder / name).mkdir()
        named = {f"s{index}": f"{upstream.url}/many/{index}/mcp" for index in range(servers)}
        found.append(stack.enter_context(gateway(folder / name, named, cpu=GATEWAY_CPU, environment=rig.FAR)))
    return found[0], found[1]


def _until_at_rest(program: Program) -> float:
    """Seconds until it has looked at everything there is to see and does next to nothing."""
    begun = perf_counter()
    while perf_counter() - begun < PATIENCE_SECONDS:
        before = program.cpu_seconds()
        sleep(LOOKING_SECONDS)
        if program.cpu_seconds() - before < LOOKING_SECONDS * AT_REST:
            break
    return perf_counter() - begun


def _calls(one: Program, many: Program, tokens: dict[int, str], options: argparse.Namespace) -> list[list[str]]:
    if WRK is None:
        return [["a call", "", "wrk is not installed", ""]]
    targets = [
        Target(name=name, url=f"{program.url}/mcp", tool="tool_0_7", token=tokens[program.port])
        for name, program in (("one", one), ("many", many))
    ]
    found = in_turns(targets, connections=1, seconds=options.seconds, rounds=options.rounds)
    ratio = found["many"].p50_ms / found["one"].p50_ms
    return [
        ["a call, p50 ms", f"{found['one'].p50_ms:.2f}", f"{found['many'].p50_ms:.2f}", ""],
        ["the same, ratio", "", f"{ratio:.2f}", "at most 1.2"],
        ["bad answers", str(found["one"].bad), str(found["many"].bad), "0"],
    ]


async def _until_all(program: Program, known: str, expected: int) -> int:
    """Tools in the whole list, once it is as long as expected or patience ends."""
    wire = await Wire.open(f"{program.url}/mcp", known)
    async with asyncio.timeout(PATIENCE_SECONDS + 60):
        begun = perf_counter()
        while True:
            count = await _count(wire)
            if count >= expected or perf_counter() - begun > PATIENCE_SECONDS:
                wire.close()
                return count
            await asyncio.sleep(0.5)


async def _count(wire: Wire) -> int:
    count, cursor = 0, None
    while True:
        status, body = await wire.call("tools/list", {"cursor": cursor} if cursor else {})
        result = json.loads(body).get("result", {}) if status == 200 else {}
        # Our own tools are there too.
        count += sum(1 for tool in result.get("tools", ()) if tool["name"].startswith("tool_"))
        cursor = result.get("nextCursor")
        if cursor is None:
            return count


async def _lists(program: Program, known: str) -> list[float]:
    """Seconds until the first page is here, all of its bytes read."""
    wire = await Wire.open(f"{program.url}/mcp", known)
    found = []
    for _ in range(LISTS):
        begun = perf_counter()
        await wire.call("tools/list")
        found.append(perf_counter() - begun)
    wire.close()
    return found


if __name__ == "__main__":
    sys.exit(main())
