"""The file of access: who is believed, and who may do what. One YAML file, named by ACCESS_FILE.

Roles, rules and row filters are followed while the gateway runs; a broken new version is refused and the last good one kept.
Providers and the audit section are read at start.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog
import yaml

from mcp_gateway.access.configuration.providers import ProviderConfig
from mcp_gateway.access.configuration.read_providers import read_providers
from mcp_gateway.access.configuration.rules import read_statements
from mcp_gateway.access.errors import AccessFileUnreadable, PolicyInvalid
from mcp_gateway.access.policy.bodies import invalid
from mcp_gateway.access.policy.build import Statements
from mcp_gateway.core.configuration.nodes import Faults, compose, is_null
from mcp_gateway.core.configuration.section import Section
from mcp_gateway.core.configuration.text_file import NotText, TextFile, Unreadable

DEFAULT_RETENTION_DAYS = 400

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditConfiguration:
    """`arguments`: whether the trail keeps what callers sent, secrets masked. `retention_days`: how long it keeps a line."""

    arguments: bool = False
    retention_days: int = DEFAULT_RETENTION_DAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessConfiguration:
    """The whole file; without one, its defaults: no provider, the built-in roles alone."""

    providers: tuple[ProviderConfig, ...] = ()
    statements: Statements = field(default_factory=Statements)
    audit: AuditConfiguration = field(default_factory=AuditConfiguration)


class AccessFile:
    """One file on this machine. Implements `access.policy.ports.StatementFile`."""

    def __init__(self, path: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self.path = path
        self._file = TextFile(path)
        self._environment = dict(environment or {})
        self._read_at_start: AccessConfiguration | None = None

    def load(self) -> AccessConfiguration:
        """Read it now. Raises `AccessFileUnreadable` and `PolicyInvalid` with every fault."""
        self._read_at_start = self._read(self._text())
        return self._read_at_start

    async def reload(self) -> Statements | None:
        return await asyncio.to_thread(self._reload)

    def _reload(self) -> Statements | None:
        # Half a file may be good YAML, without the denies of its other half.
        if not self._file.settled():
            return None
        try:
            read = self._read(self._unless_emptied(self._text()))
        except (PolicyInvalid, AccessFileUnreadable) as error:
            log.error("access_file_refused", file=str(self.path), kept="previous", reason=error.message)  # noqa: TRY400
            return None
        if self._read_at_start is not None and replace(read, statements=self._read_at_start.statements) != self._read_at_start:
            log.warning("access_file_needs_restart", file=str(self.path), sections=["providers", "audit"])
        return read.statements

    @staticmethod
    def _unless_emptied(text: str) -> str:
        """Somebody is about to write it, more likely than that nothing is forbidden any more."""
        if not text.strip():
            raise PolicyInvalid("The access file is empty.", hint="Write `rules: []` if it is meant.")
        return text

    def _text(self) -> str:
        try:
            return self._file.read()
        except Unreadable as error:
            raise AccessFileUnreadable(str(error), file=str(self.path)) from error
        except NotText as error:
            raise invalid([error.fault]) from error

    def _read(self, text: str) -> AccessConfiguration:
        return read_access(text, file=str(self.path), environment=self._environment)


def read_access(text: str, *, file: str = "access", environment: Mapping[str, str] | None = None) -> AccessConfiguration:
    """`environment` serves `${VAR}`; `file` is a name for messages. An empty file says nothing, which is allowed.

    Raises `PolicyInvalid` with every fault, in the order of their lines.
    """
    faults = Faults(file, environment or {})
    node = compose(text, faults)
    read = AccessConfiguration() if node is None or is_null(node) else _read_root(node, faults)
    if faults.found:
        raise invalid(faults.found)
    return read


def _read_root(node: yaml.Node, faults: Faults) -> AccessConfiguration:
    root = Section(node, "", faults)
    read = AccessConfiguration(providers=read_providers(root), statements=read_statements(root), audit=_read_audit(root))
    if isinstance(node, yaml.MappingNode):
        root.refuse_unknown_keys()
    return read


def _read_audit(root: Section) -> AuditConfiguration:
    section = root.section("audit")
    if section is None:
        return AuditConfiguration()
    read = AuditConfiguration(
        arguments=bool(section.flag("arguments")),
        retention_days=section.integer("retention_days", 1, 36_500) or DEFAULT_RETENTION_DAYS,
    )
    section.refuse_unknown_keys()
    return read
