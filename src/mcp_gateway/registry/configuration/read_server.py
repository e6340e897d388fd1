"""One entry of `servers:`. What a server may be is said by `registry.check`; here it is only read and placed."""

from collections.abc import Sequence
from typing import Final, TypeVar, cast

from mcp_gateway.core.configuration.nodes import check_text, read_scalar
from mcp_gateway.core.configuration.section import Section
from mcp_gateway.registry.check import MAX_SECRET, check_server
from mcp_gateway.registry.errors import Problem
from mcp_gateway.registry.model import (
    Command,
    Credential,
    CredentialKind,
    DriftRule,
    Server,
    ServerLimits,
    TransportName,
)

TRANSPORTS: Final = {
    "http": "http", "streamable_http": "http", "streamable-http": "http", "streamablehttp": "http",
    "sse": "sse", "stdio": "stdio",
}  # fmt: skip
KINDS: Final = {kind: kind for kind in ("none", "bearer", "header", "client_credentials", "token_exchange")}
DRIFTS: Final = {rule: rule for rule in ("pass", "approve", "block")}
_COMMAND_KEYS: Final = ("args", "env", "directory", "idle_seconds", "max_memory_bytes")
_T = TypeVar("_T")


def read_server(name: str, section: Section) -> Server:
    """The server; faults are noted for what cannot be used, and the file is then not used at all."""
    before, default = len(section.faults.found), Server(name=name)
    command = _read_command(section)
    transport = section.choice("transport", TRANSPORTS)
    limits = section.section("limits")
    server = Server(
        name=name,
        url=section.text("url") or "",
        transport=cast(TransportName, transport or ("stdio" if command is not None else "http")),
        title=section.text("title") or "",
        description=read_prose(section, "description"),
        tenant=section.text("tenant") or "",
        enabled=_or(section.flag("enabled"), default.enabled),
        prefix=section.text("prefix") or "",
        credential=_read_credential(section.section("credential")),
        command=command,
        limits=default.limits if limits is None else _read_limits(limits, default.limits),
        drift=cast(DriftRule, section.choice("drift", DRIFTS) or default.drift),
        check_arguments=_or(section.flag("check_arguments"), default.check_arguments),
        mask=frozenset(section.texts("mask")),
        source="file",
    )
    section.refuse_unknown_keys()
    if command is not None and server.transport != "stdio":
        _note(section, "transport", "does not fit a command", "Write stdio, or leave it out.")
    if len(section.faults.found) == before:
        place(section, check_server(server))
    return server


def place(section: Section, problems: Sequence[Problem]) -> None:
    """Note each at the line of its field."""
    for one in problems:
        owner, key = section, one.field
        while "." in key and "[" not in key.partition(".")[0]:
            first, _, rest = key.partition(".")
            inner = owner.section(first)
            if inner is None:
                break
            owner, key = inner, rest
        node = owner.value(key.partition("[")[0].partition(".")[0]) or owner.node
        owner.faults.note(node, section.path if one.field == "name" else f"{section.path}.{one.field}", one.problem, one.fix)


def read_prose(section: Section, key: str) -> str:
    """Text that may have several lines; what else it may not have is checked with the rest. "" when absent or faulty."""
    scalar = section.scalar(key)
    if scalar is not None and not scalar.is_string:
        _note(section, key, f"must be text, not {scalar.shown}", "Put it in quotes if it is meant as text.")
    return "" if scalar is None else scalar.text


def _read_credential(section: Section | None) -> Credential:
    if section is None:
        return Credential()
    section.missing("kind", f"Write one of {', '.join(sorted(KINDS))}.")
    read = Credential(
        kind=cast(CredentialKind, section.choice("kind", KINDS) or "none"),
        secret=section.text("secret", longest=MAX_SECRET) or "",
        header=section.text("header") or "",
        token_url=section.text("token_url") or "",
        client_id=section.text("client_id") or "",
        scope=section.text("scope") or "",
        audience=section.text("audience") or "",
    )
    section.refuse_unknown_keys()
    return read


def _read_limits(section: Section, default: ServerLimits) -> ServerLimits:
    read = ServerLimits(
        timeout_seconds=_or(section.number("timeout_seconds", 0.1, 3_600), default.timeout_seconds),
        connect_seconds=_or(section.number("connect_seconds", 0.1, 60), default.connect_seconds),
        max_answer_bytes=_or(section.integer("max_answer_bytes", 1_024, 1 << 30), default.max_answer_bytes),
        calls_at_once=_or(section.integer("calls_at_once", 1, 10_000), default.calls_at_once),
        max_list_bytes=_or(section.integer("max_list_bytes", 1_024, 1 << 26), default.max_list_bytes),
    )
    section.refuse_unknown_keys()
    return read


def _read_command(section: Section) -> Command | None:
    program = section.text("command")
    if program is None:
        for key in _COMMAND_KEYS:
            if section.value(key) is not None:
                _note(section, key, "belongs to a command", "Write command, or remove it.")
        return None
    default = Command(program=program)
    return Command(
        program=program,
        arguments=section.texts("args", strict=False),
        environment=_read_environment(section.section("env")),
        directory=section.text("directory") or "",
        idle_seconds=_or(section.number("idle_seconds", 1, 7 * 86_400), default.idle_seconds),
        max_memory_bytes=_or(section.integer("max_memory_bytes", 1 << 24, 1 << 40), default.max_memory_bytes),
    )


def _read_environment(section: Section | None) -> dict[str, str]:
    read: dict[str, str] = {}
    for name in section.entries if section is not None else ():
        value = section.value(name) if section is not None else None
        if section is None or value is None:
            continue
        if not name or "=" in name or "\0" in name:
            section.faults.note(section.node, section.child(name), "is no variable's name", "Use letters, digits and _.")
        scalar = read_scalar(value, section.child(name), section.faults)
        text = (
            None if scalar is None else check_text(scalar, section.child(name), section.faults, strict=False, longest=MAX_SECRET)
        )
        if text is not None:
            read[name] = text
    return read


def _note(section: Section, key: str, problem: str, fix: str) -> None:
    section.faults.note(section.value(key) or section.node, section.child(key), problem, fix)


def _or(value: _T | None, default: _T) -> _T:
    return default if value is None else value
