"""The product's own processes for a measurement: started on free loopback ports, waited for, and ended."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import httpx

START_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A started process and where it answers."""

    process: subprocess.Popen[bytes]
    url: str

    def rss_megabytes(self) -> float:
        """Resident memory now; 0 where the system does not tell."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines():
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) / 1024
        return 0.0


@contextlib.contextmanager
def running(command: Sequence[str], *, health: str = "/health") -> Iterator[Running]:
    """`mcp-gateway COMMAND --port N`, ready when `health` answers 200. Nobody logs in; the trail is written all the same."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory(prefix="bench-state-") as state:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-c", "from mcp_gateway.cli import main; main()", *command, "--port", str(port)],
            stdout=log,
            stderr=log,
            env={**environment, "LOG_LEVEL": "WARNING", "LIMIT_QUESTIONS_PER_MINUTE": "0", "LOGIN": "none", "STATE_DIR": state},
        )
        started = Running(process=process, url=f"http://127.0.0.1:{port}")
        try:
            _wait_until_ready(started, health)
            yield started
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read()[-4000:].decode(errors="replace"))
            raise
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(started: Running, health: str) -> None:
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline:
        if started.process.poll() is not None:
            raise RuntimeError("the process ended before it was ready")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{started.url}{health}").status_code == 200:
                return
        sleep(0.05)
    raise RuntimeError("the process was not ready in time")
