"""A file of text that may change while the gateway runs: read whole, bounded, and asked whether it changed."""

from pathlib import Path

from mcp_gateway.core.configuration.faults import Fault

# Thousands of entries; whatever is longer was not written by people.
MAX_FILE_BYTES = 1_000_000


class Unreadable(Exception):
    """The file cannot be opened; the argument says why, naming it."""


class NotText(Exception):
    """The file is no text, or too long; `fault` has the place and the remedy."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class TextFile:
    """One file on this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, ...] = ()
        self._looked_at: tuple[int, ...] = ()

    def read(self) -> str:
        """Raises `Unreadable` and `NotText`. Whatever happens, this version counts as seen."""
        self._seen = self._signature()
        name = str(self.path)
        try:
            with self.path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise Unreadable(f"{name} cannot be read: {error.strerror or error}") from error
        if len(content) > MAX_FILE_BYTES:
            raise NotText(_whole(name, f"has more than {MAX_FILE_BYTES:,} bytes", "Name the right file."))
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise NotText(_whole(name, "is not UTF-8 text", "Save it as UTF-8.", line)) from error

    def changed(self) -> bool:
        """Whether it is another version than the one read last."""
        return self._signature() != self._seen

    def settled(self) -> bool:
        """As `changed`, and nobody is writing it any more: it was the same when last asked. To be asked now and again."""
        now, before = self._signature(), self._looked_at
        self._looked_at = now
        return now == before and now != self._seen

    def _signature(self) -> tuple[int, ...]:
        """Changes whenever the file does; empty while it cannot be found."""
        try:
            status = self.path.stat()
        except OSError:
            return ()
        return status.st_mtime_ns, status.st_size, status.st_ino


def _whole(name: str, problem: str, fix: str, line: int | None = None) -> Fault:
    return Fault(where=name, line=line, path="", problem=problem, fix=fix)
