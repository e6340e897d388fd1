"""A program whose output is read while it runs."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tests.warm.process import Process, start


class Printing:
    """`stdout` gives its lines as they come; its errors are there at its end."""

    def __init__(self, process: Process, stdout: TextIO, stderr: TextIO) -> None:
        self.process, self.stdout, self._stderr = process, stdout, stderr

    def send_signal(self, sig: int) -> None:
        self.process.send_signal(sig)

    def end(self, seconds: float = 30) -> tuple[int, str, str]:
        """Wait until it has ended: its status, the rest of its output, its errors. Raises `subprocess.TimeoutExpired`."""
        status = self.process.wait(seconds)
        self._stderr.seek(0)
        return status, self.stdout.read(), self._stderr.read()


@contextmanager
def printing(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[Printing]:
    """The program, which is killed at the end unless it has ended."""
    read, write = os.pipe()
    with tempfile.TemporaryFile("w+") as errors, os.fdopen(read) as stdout:
        with os.fdopen(write, "wb") as writer:
            process = start(command, environment=environment, folder=folder, stdout=writer, stderr=errors)
        try:
            yield Printing(process, stdout, errors)
        finally:
            process.kill()
            process.wait(30)
