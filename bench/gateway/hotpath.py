"""Where the gateway's processor time goes while it answers calls, by function: `py-spy` looks at what holds the interpreter.

For whoever makes it faster; it is no measurement of a promise. `--py-spy` names the program, which is not installed here.
`python -m bench.gateway.hotpath --py-spy PATH [--connections N] [--seconds S] [--revision REVISION] [--older-upstream]`
"""

import argparse
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from bench.figures import print_table
from bench.gateway import rig
from bench.gateway.load import MODERN, Target, load, open_session
from tests.programs import Program, folder_for

SHOWN = 45
SAMPLES_PER_SECOND = 400


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--py-spy", required=True)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--revision", default=MODERN)
    parser.add_argument("--older-upstream", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(folder_for("bench-hotpath"))
        upstream = stack.enter_context(rig.upstream("legacy" if options.older_upstream else "modern"))
        gateway, token = stack.enter_context(rig.guarded_gateway(folder / "gateway", upstream))
        url = f"{gateway.url}/mcp"
        session = open_session(url, token, options.revision) if options.revision != MODERN else ""
        target = Target(name="gateway", url=url, token=token, revision=options.revision, session=session)
        load(target, connections=options.connections, seconds=2)
        before = gateway.cpu_seconds()
        figures = load(target, connections=options.connections, seconds=options.seconds)
        each = (gateway.cpu_seconds() - before) / (figures.rate * options.seconds) * 1e6
        print(f"{figures.rate:,.0f} calls/s, p50 {figures.p50_ms:.3f} ms, {figures.bad} bad, {each:.0f} us of CPU a call\n")
        stacks = _watched(gateway, target, options)
    _tell(stacks, each)
    return 0


def _watched(gateway: Program, target: Target, options: argparse.Namespace) -> dict[tuple[str, ...], int]:
    """How often each stack was seen."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stacks"
        seconds = int(options.seconds)
        loading = threading.Thread(
            target=lambda: load(target, connections=options.connections, seconds=options.seconds + 2), daemon=True
        )
        loading.start()
        command = [options.py_spy, "record", "--pid", str(gateway.pid), "--duration", str(seconds), "--format", "raw"]
        command += ["--rate", str(SAMPLES_PER_SECOND), "--output", str(file), "--gil"]
        subprocess.run(command, check=True, capture_output=True, timeout=seconds + 60)  # noqa: S603
        loading.join()
        found = {}
        for line in file.read_text(encoding="utf-8").splitlines():
            names, _, count = line.rpartition(" ")
            found[tuple(names.split(";"))] = int(count)
        return found


def _tell(stacks: dict[tuple[str, ...], int], each: float) -> None:
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for names, count in stacks.items():
        own[_function(names[-1])] += count
        for name in {_function(one) for one in names if not _is_outside(one)}:
            within[name] += count
    whole = sum(stacks.values()) or 1
    for title, counted in (("in the function itself", own), ("in it and what it calls", within)):
        rows = [[name, f"{count / whole:.1%}", f"{each * count / whole:.1f}"] for name, count in counted.most_common(SHOWN)]
        print_table(f"CPU {title}", ["function", "share", "us a call"], rows)


def _is_outside(frame: str) -> bool:
    """What leads to the loop, and holds all there is."""
    return any(part in frame for part in ("typer/", "<module>", "<frozen", "/cli/", "__main__", "runners.py", "threading.py"))


def _function(frame: str) -> str:
    """Without the line."""
    name, _, place = frame.partition(" (")
    return f"{name} ({place.rpartition(':')[0]})"


if __name__ == "__main__":
    sys.exit(main())
