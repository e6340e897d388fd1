"""The product as users start it: `mcp-gateway serve`, on loopback, with the demo shop."""

import socket
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.warm.process import Process, start

START_LIMIT_SECONDS = 200.0
STOP_LIMIT_SECONDS = 60.0


class GatewayProcess:
    """Starts and stops one process; it keeps its port between starts. Nobody has to log in, unless `environment` says so."""

    def __init__(self, cache_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        self.cache_dir = cache_dir
        self._environment = environment or {}
        self._port = _free_port()
        self._process: Process | None = None
        self.url = f"http://127.0.0.1:{self._port}/"

    @contextmanager
    def running(self) -> Iterator["GatewayProcess"]:
        try:
            self.start()
            yield self
        finally:
            self.kill()

    def start(self) -> None:
        """Returns when the process answers questions."""
        usual = {"MCP_GATEWAY_CACHE_DIR": str(self.cache_dir), "LOG_LEVEL": "ERROR", "LOGIN": "none"}
        command = [sys.executable, "-m", "mcp_gateway", "serve", "--host", "127.0.0.1", "--port", str(self._port)]
        log = (self.cache_dir / f"gateway-{self._port}.log").open("ab")
        with log:
            self._process = start(command, environment=usual | dict(self._environment), stdout=log, stderr=log)
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                words = Path(log.name).read_text(errors="replace")[-3000:]
                raise RuntimeError(f"the gateway did not start:\n{words}")
            time.sleep(0.1)

    def kill(self) -> None:
        """As if the machine were gone: no time to say goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_LIMIT_SECONDS)
            self._process = None

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}api/health/ready", timeout=2) as response:  # noqa: S310 - loopback
                return bool(response.status == 200)
        except OSError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
