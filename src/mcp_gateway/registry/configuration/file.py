"""The servers file, which may change while the gateway runs. A broken new version is refused and the last good one kept."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import structlog

from mcp_gateway.core.configuration.faults import Fault
from mcp_gateway.core.configuration.text_file import NotText, TextFile, Unreadable
from mcp_gateway.registry.configuration.model import ServersConfiguration
from mcp_gateway.registry.configuration.read import read_servers
from mcp_gateway.registry.errors import ServersFileInvalid, ServersFileUnreadable

log = structlog.get_logger(__name__)


class ServersFile:
    """One file on this machine; so programs may be run from it. Implements `registry.ports.ServerFile`."""

    def __init__(self, path: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self.path = path
        self._file = TextFile(path)
        self._environment = dict(environment or {})

    def load(self) -> ServersConfiguration:
        """Read it now. Raises `ServersFileUnreadable`, and `ServersFileInvalid` with every fault."""
        return read_servers(self._text(), file=str(self.path), environment=self._environment)

    async def reload(self) -> ServersConfiguration | None:
        """The new one once it changed, nobody writes it any more, and it is good; None otherwise."""
        return await asyncio.to_thread(self._reload)

    def _reload(self) -> ServersConfiguration | None:
        if not self._file.settled():
            return None
        try:
            return read_servers(self._unless_emptied(self._text()), file=str(self.path), environment=self._environment)
        except ServersFileInvalid as error:
            self._log_refusal([str(fault) for fault in error.faults])
        except ServersFileUnreadable as error:
            self._log_refusal([error.message])
        return None

    def _unless_emptied(self, text: str) -> str:
        """Somebody is about to write it, more likely than that all servers are to go."""
        if not text.strip():
            fix = "Write `servers: {}` if it is meant."
            raise ServersFileInvalid([Fault(where=str(self.path), line=None, path="", problem="is empty", fix=fix)])
        return text

    def _text(self) -> str:
        try:
            return self._file.read()
        except Unreadable as error:
            raise ServersFileUnreadable(str(error), file=str(self.path)) from error
        except NotText as error:
            raise ServersFileInvalid([error.fault]) from error

    def _log_refusal(self, faults: list[str]) -> None:
        log.error("servers_file_refused", file=str(self.path), kept="previous", faults=faults)
