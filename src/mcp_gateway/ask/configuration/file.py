"""A configuration file that may change while the gateway runs. A broken new version is refused and the last good one kept."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import structlog

from mcp_gateway.ask.configuration.errors import ConfigurationInvalid, ConfigurationUnreadable
from mcp_gateway.ask.configuration.model import MCPConfig
from mcp_gateway.ask.configuration.read import read_configuration
from mcp_gateway.core.configuration.text_file import NotText, TextFile, Unreadable

log = structlog.get_logger(__name__)


class ConfigurationFile:
    """One file on this machine; so servers over stdio are allowed in it."""

    def __init__(self, path: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self.path = path
        self._file = TextFile(path)
        self._environment = dict(environment or {})

    def load(self) -> MCPConfig:
        """Read it now. Raises `ConfigurationUnreadable` and `ConfigurationInvalid`."""
        try:
            text = self._file.read()
        except Unreadable as error:
            raise ConfigurationUnreadable(str(error), file=str(self.path)) from error
        except NotText as error:
            raise ConfigurationInvalid([error.fault]) from error
        return read_configuration(text, file=str(self.path), environment=self._environment, allow_stdio=True)

    async def reload(self, *, force: bool = False) -> MCPConfig | None:
        """The new configuration when the file changed (or anyway, with `force`) and is good; None otherwise.

        What is wrong with a refused file goes to the log, once a version.
        """
        return await asyncio.to_thread(self._reload, force=force)

    def _reload(self, *, force: bool) -> MCPConfig | None:
        if not force and not self._file.changed():
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
