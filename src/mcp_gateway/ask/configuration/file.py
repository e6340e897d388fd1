"""A configuration file that may change while the gateway runs. A broken new version is refused and the last good one kept."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import structlog

from mcp_gateway.ask.configuration.errors import ConfigurationInvalid, ConfigurationUnreadable, Fault
from mcp_gateway.ask.configuration.model import MCPConfig
from mcp_gateway.ask.configuration.read import read_configuration

# Some thousand servers; whatever is longer is not a configuration.
MAX_FILE_BYTES = 1_000_000

log = structlog.get_logger(__name__)


class ConfigurationFile:
    """One file on this machine; so servers over stdio are allowed in it."""

    def __init__(self, path: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self.path = path
        self._environment = dict(environment or {})
        self._seen: tuple[int, ...] = ()

    def load(self) -> MCPConfig:
        """Read it now. Raises `ConfigurationUnreadable` and `ConfigurationInvalid`."""
        self._seen = self._signature()
        return read_configuration(self._text(), file=str(self.path), environment=self._environment, allow_stdio=True)

    async def reload(self, *, force: bool = False) -> MCPConfig | None:
        """The new configuration when the file changed (or anyway, with `force`) and is good; None otherwise.

        What is wrong with a refused file goes to the log, once a version.
        """
        return await asyncio.to_thread(self._reload, force=force)

    def _reload(self, *, force: bool) -> MCPConfig | None:
        if not force and self._signature() == self._seen:
            return None
        try:
            return self.load()
        except ConfigurationInvalid as error:
            self._log_refusal([str(fault) for fault in error.faults])
        except ConfigurationUnreadable as error:
            self._log_refusal([error.message])
        return None

    def _log_refusal(self, faults: list[str]) -> None:
        log.error("configuration_refused", file=str(self.path), kept="previous", faults=faults)

    def _signature(self) -> tuple[int, ...]:
        """Changes whenever the file does; empty while it cannot be found."""
        try:
            status = self.path.stat()
        except OSError:
            return ()
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _text(self) -> str:
        name = str(self.path)
        try:
            with self.path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise ConfigurationUnreadable(f"{name} cannot be read: {error.strerror or error}", file=name) from error
        if len(content) > MAX_FILE_BYTES:
            raise ConfigurationInvalid([_whole(name, f"has more than {MAX_FILE_BYTES:,} bytes", "Name the right file.")])
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise ConfigurationInvalid([_whole(name, "is not UTF-8 text", "Save it as UTF-8.", line)]) from error


def _whole(name: str, problem: str, fix: str, line: int | None = None) -> Fault:
    return Fault(where=name, line=line, path="", problem=problem, fix=fix)
