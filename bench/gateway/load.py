"""Load from `wrk`: one tool called over and over on kept connections. Rows take turns; what is told are medians."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx2

SCRIPT = Path(__file__).parent / "call.lua"
WRK = shutil.which("wrk")
MODERN = "2026-07-28"
OLDER = "2025-11-25"
# The gateway has the first processor to itself, its upstream and the load the second, where there are two.
GATEWAY_CPU, OTHERS_CPU = (0, 1) if (os.cpu_count() or 1) > 1 else (None, None)


class NoWrk(Exception):
    """Told by what needs it: `wrk` is not installed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where calls go, and as whom. `session` is that of a client of a handshake era."""

    name: str
    url: str
    tool: str = "echo"
    revision: str = MODERN
    token: str = ""
    session: str = ""

    def environment(self) -> dict[str, str]:
        told = {"TOOL": self.tool, "REVISION": self.revision, "TOKEN": self.token, "SESSION": self.session}
        return {key: value for key, value in told.items() if value}


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """`bad`: answers that were no results, and requests that got none."""

    rate: float
    p50_ms: float
    p99_ms: float
    bad: int


def load(target: Target, *, connections: int, seconds: float) -> Figures:
    """One stretch of load, of whole seconds. Raises `NoWrk`."""
    if WRK is None:
        raise NoWrk
    pinned = [] if OTHERS_CPU is None else ["taskset", "-c", str(OTHERS_CPU)]
    command = [
        *pinned,
        WRK,
        "-t1",
        f"-c{connections}",
        f"-d{max(round(seconds), 1)}s",
        "--timeout",
        "10s",
        "-s",
        str(SCRIPT),
        target.url,
    ]
    environment = {"PATH": os.environ["PATH"], **target.environment()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds + 60, check=True)  # noqa: S603
    if done.stderr:
        sys.stderr.write(f"{target.name}: {done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Figures(
        rate=found["requests"] / found["seconds"],
        p50_ms=found["p50_us"] / 1000,
        p99_ms=found["p99_us"] / 1000,
        bad=found["bad"] + found["lost"],
    )


def in_turns(targets: Sequence[Target], *, connections: int, seconds: float, rounds: int) -> Mapping[str, Figures]:
    """Each target by its name; the machine's moods meet all alike."""
    for target in targets:
        load(target, connections=connections, seconds=min(seconds, 1.0))
    found: dict[str, list[Figures]] = {target.name: [] for target in targets}
    for _ in range(rounds):
        for target in targets:
            found[target.name].append(load(target, connections=connections, seconds=seconds))
    return {name: _middle(figures) for name, figures in found.items()}


def _middle(figures: Sequence[Figures]) -> Figures:
    return Figures(
        rate=median(one.rate for one in figures),
        p50_ms=median(one.p50_ms for one in figures),
        p99_ms=median(one.p99_ms for one in figures),
        bad=sum(one.bad for one in figures),
    )


def open_session(url: str, token: str = "", revision: str = OLDER) -> str:
    """The session id a server gives a client of a handshake era; "" where it gives none."""
    headers = {"Accept": "application/json, text/event-stream", **({"Authorization": f"Bearer {token}"} if token else {})}
    hello = {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "wrk", "version": "1"}}
    with httpx2.Client(headers=headers, timeout=30) as client:
        answer = client.post(url, json={"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello})
        answer.raise_for_status()
        session: str = answer.headers.get("mcp-session-id", "")
        more = {"MCP-Protocol-Version": revision, **({"Mcp-Session-Id": session} if session else {})}
        client.post(url, json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=more).raise_for_status()
    return session
