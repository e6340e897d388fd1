"""Processes a test or a measurement runs beside itself: an upstream server, the gateway. On loopback, ended at the end."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

import httpx2
from tests.warm.process import Process, run, start

STARTING_SECONDS = 90.0
ENDING_SECONDS = 15.0
LOOPBACK = "127.0.0.0/8"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Program:
    """A process that answers HTTP at `port`. `cpu`: the one processor it may use; None: all of them.

    It is ready when it answers `ready` at all. What it prints is in `log`.
    """

    command: Sequence[str]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    cpu: int | None = None
    ready: str = "/"
    process: Process | None = None
    started_in: float = 0.0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start, or start again at the same port, and wait until it answers."""
        begun = monotonic()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the process
        pinned = [] if self.cpu is None else ["taskset", "-c", str(self.cpu)]
        self.process = start([*pinned, *self.command], environment=self.environment, stdout=self._log, stderr=self._log)
        try:
            self._wait()
        except BaseException:
            sys.stderr.write(self.log()[-4000:])
            self.stop()
            raise
        self.started_in = monotonic() - begun

    def log(self) -> str:
        # `pread`, as the process writes where this file stands.
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode(errors="replace")

    def stop(self) -> None:
        """In an orderly way, or else at once; nothing happens when it is not running."""
        if self.process is not None:
            self.resume()
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(ENDING_SECONDS)
            self.kill()

    def kill(self) -> None:
        """As a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(ENDING_SECONDS)
            self.process = None
            self._log.close()

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    def rss_megabytes(self) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def _wait(self) -> None:
        assert self.process is not None
        deadline = monotonic() + STARTING_SECONDS
        while monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.command[0]} ended with {self.process.poll()} before it was ready")
            with contextlib.suppress(httpx2.TransportError):
                # Reading whom the machine trusts takes more of a processor than starting may be left with.
                httpx2.get(f"{self.url}{self.ready}", timeout=5, verify=False)
                return
            sleep(0.05)
        raise RuntimeError(f"{' '.join(self.command)} was not ready in time")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def module(name: str, *options: str, **more: Any) -> Program:
    """A Python module that takes `--port`."""
    port = free_port()
    return Program(command=[sys.executable, "-m", name, "--port", str(port), *options], port=port, **more)


def servers_file(folder: Path, servers: Mapping[str, object], **more: object) -> Path:
    """The gateway's servers file; a server is its URL or all that is said of it. JSON is YAML."""
    entries = {name: {"url": one} if isinstance(one, str) else one for name, one in servers.items()}
    file = folder / "servers.yaml"
    file.write_text(json.dumps({"servers": entries, "allowed_networks": [LOOPBACK], **more}), encoding="utf-8")
    return file


def gateway(
    folder: Path, servers: Mapping[str, object], *, cpu: int | None = None, environment: Mapping[str, str] | None = None
) -> Program:
    """The gateway in front of these servers, with its state in `folder`. Nobody logs in unless LOGIN says otherwise.

    Nothing is limited, and the page's own questions need no processes of their own.
    """
    quiet = {"LIMIT_QUESTIONS_PER_MINUTE": "0", "LIMIT_READS_PER_MINUTE": "0", "LOG_LEVEL": "WARNING", "DRAFT_PROCESSES": "0"}
    told = {"STATE_DIR": str(folder), "SERVERS_FILE": str(servers_file(folder, servers)), "LOGIN": "none"}
    # Where keys lie nobody else may look.
    folder.chmod(0o700)
    port = free_port()
    command = [sys.executable, "-m", "mcp_gateway", "serve", "--port", str(port)]
    return Program(command, port, {**quiet, **told, **(environment or {})}, cpu, "/health")


def token(program: Program, *, subject: str = "somebody", role: str = "admin", tenant: str = "local") -> str:
    """A token of the gateway this is, that lasts an hour."""
    command = [sys.executable, "-m", "mcp_gateway", "tokens", "issue", "--tenant", tenant, "--role", role]
    command += ["--subject", subject, "--expires", "1h"]
    done = run(command, environment=program.environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextlib.contextmanager
def folder_for(name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
        yield Path(folder)
