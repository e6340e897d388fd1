"""A real MariaDB of our own where the machine has its server; no Python package brings one."""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import pymysql

STARTING_SECONDS = 60.0


def find_mariadbd() -> str | None:
    """The server's program: on the PATH, or where Debian puts it, which is not on everybody's PATH."""
    return shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin:/usr/libexec")


class MariaDbProcess:
    """Listens on loopback without accounts: whoever connects may do everything, which is what the guard must hold against."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._folder = Path(tempfile.mkdtemp(prefix="mariadb-for-tests-"))
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    def __enter__(self) -> Self:
        (self._folder / "data").mkdir()
        self._process = subprocess.Popen(
            [
                *(self._program, "--no-defaults", f"--datadir={self._folder / 'data'}", "--skip-grant-tables"),
                *("--bind-address=127.0.0.1", f"--port={self.port}", f"--socket={self._folder / 'socket'}", "--user=root"),
                *(f"--pid-file={self._folder / 'pid'}", "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait(self._process)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str) -> str:
        return f"mariadb://root@127.0.0.1:{self.port}/{database}"

    def run(self, sql: str, database: str | None = None) -> list[tuple[object, ...]]:
        """As a writer of its own."""
        with pymysql.connect(host="127.0.0.1", port=self.port, user="root", database=database, autocommit=True) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return list(cursor.fetchall())

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        ends = time.monotonic() + STARTING_SECONDS
        while time.monotonic() < ends and process.poll() is None:
            try:
                self.run("SELECT 1")
            except pymysql.err.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("MariaDB did not start.")
