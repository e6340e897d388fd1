"""Stale reads after an acknowledged invalidation, over three processes in which everything that can break does.

Loaders are overtaken by writes; one process talks over a line that delays and is cut; processes are stopped (SIGSTOP) and go on;
Valkey is stopped, killed and started again, also from an old snapshot; its memory is flushed. `bench.kit.history` says how
reads are judged. Then the same with one safeguard taken out at a time: the checker must notice.

`python -m bench.kit.cache_history [--reads N] [--mutant-reads N]`; needs the development dependencies (Valkey).
"""

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.context import SpawnProcess

from bench.figures import print_table
from bench.kit.faults import BadLine
from bench.kit.history import FAR_REPLICA, MEMBERSHIP_SECONDS, MUTANTS, Mutant, Shared, Told, added_up, replicas
from tests.valkey_process import ValkeyProcess

PROCESSES = 3
LONGEST_SECONDS = 240.0


class Faults:
    """One after another, with quiet between, in an order drawn from a seed."""

    def __init__(self, valkey: ValkeyProcess, line: BadLine, processes: list[SpawnProcess]) -> None:
        self._valkey, self._line, self._processes = valkey, line, processes
        self._random = random.Random(20_26)  # noqa: S311  (repeats a schedule, guards nothing)
        self._kinds: list[Callable[[], None]] = [
            self._pause_briefly, self._pause_long, self._cut, self._stop_valkey, self._restart, self._restart_old, self._flush,
        ]  # fmt: skip
        self.count = 0

    def next(self, mutant: Mutant) -> None:
        """The next fault; for a mutant that one sort of fault shows, that one."""
        if mutant == "no_trust":
            self._pause_long()
        else:
            self._kinds[self.count % len(self._kinds)]()
        self.count += 1

    def _pause(self, seconds: float) -> None:
        pid = self._victim()
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    def _victim(self) -> int:
        """A replica that holds copies."""
        pid = self._random.choice([one for number, one in enumerate(self._processes) if number != FAR_REPLICA]).pid
        assert pid is not None
        return pid

    def _pause_briefly(self) -> None:
        self._pause(MEMBERSHIP_SECONDS * 0.5)

    def _pause_long(self) -> None:
        self._pause(MEMBERSHIP_SECONDS * 1.6)

    def _cut(self) -> None:
        self._line.cut()
        with self._valkey.client() as client:
            client.client_kill_filter(_type="pubsub")

    def _stop_valkey(self) -> None:
        with self._valkey.paused():
            time.sleep(0.3)

    def _restart(self) -> None:
        """While a replica sleeps with its copies."""
        pid = self._victim()
        os.kill(pid, signal.SIGSTOP)
        self._valkey.kill()
        self._valkey.start()
        time.sleep(MEMBERSHIP_SECONDS * 0.4)
        os.kill(pid, signal.SIGCONT)

    def _restart_old(self) -> None:
        self._valkey.save()
        time.sleep(0.3)
        self._valkey.kill()
        self._valkey.start("--dbfilename", "dump.rdb")

    def _flush(self) -> None:
        pid = self._victim()
        os.kill(pid, signal.SIGSTOP)
        with self._valkey.client() as client:
            client.flushall()
        time.sleep(MEMBERSHIP_SECONDS * 0.4)
        os.kill(pid, signal.SIGCONT)


def run(reads: int, *, mutant: Mutant = "none", least_faults: int = 28) -> tuple[Told, int, float]:
    """What all processes saw, how many faults there were, and the seconds it took."""
    shared = Shared()
    began = time.monotonic()
    with (
        ValkeyProcess(snapshots=True) as valkey,
        BadLine(valkey.port) as line,
        replicas([valkey.url, valkey.url, line.url], shared, mutant) as processes,
    ):
        faults = Faults(valkey, line, processes)
        while (shared.reads.value < reads or faults.count < least_faults) and time.monotonic() - began < LONGEST_SECONDS:
            faults.next(mutant)
            time.sleep(0.5)
        shared.stop.set()
        told = [shared.told.get(timeout=30) for _ in processes]
    return added_up(told), faults.count, time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--reads", type=int, default=1_000_000)
    parser.add_argument("--mutant-reads", type=int, default=60_000)
    options = parser.parse_args()
    told, faults, seconds = run(options.reads)
    rows = [_row("as shipped", told, faults, seconds)]
    caught = True
    for mutant in MUTANTS if options.mutant_reads else ():
        # A sleeper wakes between two reads, and not while it waits for messages, about every third time.
        seen, times, took = run(options.mutant_reads, mutant=mutant, least_faults=18 if mutant == "no_trust" else 7)
        caught = caught and seen.stale > 0
        rows.append(_row(f"mutant: {mutant}", seen, times, took))
    print_table(
        f"Stale reads after an acknowledged invalidation, {PROCESSES} processes",
        ["", "checked reads", "stale", "writes", "not acknowledged", "slowest ack ms", "faults", "seconds"],
        rows,
    )
    print({name: told.outcomes[name] for name in sorted(told.outcomes)}, told.first_stale, flush=True)
    return 0 if told.stale == 0 and told.reads >= options.reads and caught else 1


def _row(name: str, told: Told, faults: int, seconds: float) -> list[str]:
    return [
        *(name, f"{told.reads:,}", f"{told.stale:,}", f"{told.writes:,}", str(told.unacknowledged)),
        *(f"{told.slowest_write_seconds * 1000:.0f}", str(faults), f"{seconds:.0f}"),
    ]


if __name__ == "__main__":
    sys.exit(main())
