"""What a thousand clients cost that only listen: memory for each, and what a call costs while they do.

`python -m bench.gateway.listeners [--clients N] [--rounds N] [--seconds S]`
"""

import argparse
import asyncio
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from time import sleep

from bench.figures import print_table
from bench.gateway import rig
from bench.gateway.load import WRK, Figures, Target, in_turns
from bench.gateway.wire import Broken, Wire
from tests.programs import Program, folder_for, token

OF_EACH_CALLER = 100
OPENED_AT_ONCE = 20
SETTLING_SECONDS = 3.0
WANTED = {"notifications": {"toolsListChanged": True, "promptsListChanged": True}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(folder_for("bench-listeners"))
        upstream = stack.enter_context(rig.upstream())
        gateway, known = stack.enter_context(rig.guarded_gateway(folder / "gateway", upstream))
        quiet, known_there = stack.enter_context(rig.guarded_gateway(folder / "quiet", upstream))
        tokens = [token(gateway, subject=f"listener-{index}") for index in range(-(-options.clients // OF_EACH_CALLER))]
        targets = [
            Target(name="without", url=f"{quiet.url}/mcp", token=known_there),
            Target(name="with", url=f"{gateway.url}/mcp", token=known),
        ]
        # What the first listeners make the gateway load once, for everybody, is not theirs.
        with Idle(gateway, tokens[:1], 10):
            sleep(SETTLING_SECONDS)
        before = gateway.rss_megabytes()
        with Idle(gateway, tokens, options.clients) as idle:
            sleep(SETTLING_SECONDS)
            after = gateway.rss_megabytes()
            found = _calls(targets, options)
        each = (after - before) * 1024 / max(idle.open, 1)
        rows = [
            ["clients that listen", "0", f"{idle.open:,}", f"{options.clients:,}"],
            ["memory, MB", f"{before:.0f}", f"{after:.0f}", ""],
            ["memory for each, kB", "", f"{each:.0f}", "at most 60"],
        ]
        if found:
            without, beside = found["without"], found["with"]
            rows.append(["a call, p50 ms", f"{without.p50_ms:.2f}", f"{beside.p50_ms:.2f}", ""])
            rows.append(["the same, ratio", "", f"{beside.p50_ms / without.p50_ms:.2f}", "at most 1.3"])
            rows.append(["bad answers", str(without.bad), str(beside.bad), "0"])
        print_table("Clients that only listen, beside a gateway where none does", ["what", "without", "with them", "asked"], rows)
    return 0


def _calls(targets: Sequence[Target], options: argparse.Namespace) -> Mapping[str, Figures]:
    """In turns, so that the machine's moods meet both alike; nothing without `wrk`."""
    return in_turns(targets, connections=1, seconds=options.seconds, rounds=options.rounds) if WRK else {}


class Idle:
    """Streams that are open while the block lasts, in a thread of their own. `open`: how many were acknowledged."""

    def __init__(self, gateway: Program, tokens: list[str], clients: int) -> None:
        self._url, self._tokens, self._clients = f"{gateway.url}/mcp", tokens, clients
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self.open = 0

    def __enter__(self) -> "Idle":
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._hold(),), daemon=True)
        self._thread.start()
        self._ready.wait(120)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(30)

    async def _hold(self) -> None:
        room, wires = asyncio.Semaphore(OPENED_AT_ONCE), []

        async def listen(number: int) -> None:
            async with room:
                wire = await Wire.open(self._url, self._tokens[number // OF_EACH_CALLER % len(self._tokens)])
                wires.append(wire)
                wire.send("subscriptions/listen", WANTED, id_=number + 1)
                try:
                    async with asyncio.timeout(30):
                        first = await wire.first_event()
                    self.open += b"acknowledged" in first
                except (Broken, TimeoutError) as error:
                    if number < OF_EACH_CALLER:
                        sys.stderr.write(f"a listener was refused: {error}\n")

        await asyncio.gather(*(listen(number) for number in range(self._clients)))
        self._ready.set()
        await self._end.wait()
        for wire in wires:
            wire.close()
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
