"""One server's entry: which fields each transport needs and refuses, and what a usable address is."""

import re
from urllib.parse import urlsplit

import yaml

from mcp_gateway.ask.configuration.model import MCPServerConfig
from mcp_gateway.core.configuration.nodes import check_text, read_scalar
from mcp_gateway.core.configuration.section import Section

TRANSPORTS = {
    "streamable_http": "streamable_http", "streamable-http": "streamable_http", "streamablehttp": "streamable_http",
    "http": "streamable_http", "sse": "sse", "stdio": "stdio",
}  # fmt: skip
PROTOCOLS = {"auto": "auto", "modern": "modern", "2026-07-28": "modern", "legacy": "legacy"}
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# The client writes these itself, from the address and the protocol.
_OWN_HEADERS = {"host", "content-length", "transfer-encoding", "connection", "accept", "content-type", "mcp-session-id",
                "mcp-protocol-version", "mcp-method", "mcp-name"}  # fmt: skip


def read_server(key: str, section: Section, *, allow_stdio: bool) -> MCPServerConfig | None:
    """The server; None when a fault was noted that leaves nothing to use."""
    faults = section.faults
    before = len(faults.found)
    if not _KEY.fullmatch(key):
        faults.note(section.node, section.path, "is not a usable key", "Use a letter, then letters, digits, _ and -, at most 64.")
    section.missing("name", "Write a name for people to read.")
    section.missing("priority", "Write a number from 1 (most trusted) to 999.")
    transport = section.choice("transport", TRANSPORTS) or "streamable_http"
    timeout_key = "timeout" if section.value("timeout") is not None else "timeout_seconds"
    known = _read_known(key, section, transport, timeout_key)
    if transport == "stdio":
        _check_stdio(section, allow_stdio=allow_stdio)
    else:
        _check_http(section, transport)
    section.refuse_unknown_keys()
    return known if len(faults.found) == before else None


def _read_known(key: str, section: Section, transport: str, timeout_key: str) -> MCPServerConfig:
    # Where a value is faulty or absent, the model's default stands in; a faulty file is never used.
    default = MCPServerConfig(key=key, name=key, priority=1)
    return MCPServerConfig(
        key=key,
        name=section.text("name", longest=100) or key,
        priority=section.integer("priority", 1, 999) or 1,
        url=section.text("url") or "",
        domains=section.texts("domains"),
        capabilities=section.texts("capabilities"),
        transport=transport,  # type: ignore[arg-type]  # a value of TRANSPORTS
        protocol=section.choice("protocol", PROTOCOLS) or "auto",  # type: ignore[arg-type]  # a value of PROTOCOLS
        timeout_seconds=section.number(timeout_key, 0.1, 300) or default.timeout_seconds,
        connect_timeout_seconds=section.number("connect_timeout_seconds", 0.1, 300) or default.connect_timeout_seconds,
        tool_timeout_seconds=section.number("tool_timeout_seconds", 0.1, 3600) or default.tool_timeout_seconds,
        max_retries=_or(section.integer("max_retries", 0, 10), default.max_retries),
        retry_for_seconds=section.number("retry_for_seconds", 0.1, 300) or default.retry_for_seconds,
        max_response_bytes=section.integer("max_response_bytes", 1024, 1 << 30) or default.max_response_bytes,
        headers=_read_pairs(section, "headers"),
        command=section.text("command") or "",
        args=section.texts("args", strict=False),
        env=_read_pairs(section, "env"),
        cwd=section.text("cwd"),
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _read_pairs(section: Section, key: str) -> dict[str, str]:
    pairs = section.section(key)
    if pairs is None:
        return {}
    read: dict[str, str] = {}
    for name in pairs.entries:
        value = pairs.value(name)
        scalar = None if value is None else read_scalar(value, pairs.child(name), section.faults)
        if scalar is None:
            continue
        text = check_text(scalar, pairs.child(name), section.faults, strict=False, longest=16_000)
        if text is not None:
            read[name] = text
    return read


def _check_stdio(section: Section, *, allow_stdio: bool) -> None:
    if not allow_stdio:
        fix = "Use streamable_http, or put the server into the configuration file on the gateway's machine."
        section.faults.note(section.value("transport"), section.child("transport"), "stdio is not allowed here", fix)
    section.missing("command", "Write the program to start; its arguments go into args.")
    for key in ("url", "headers"):
        _refuse(section, key, "stdio")


def _check_http(section: Section, transport: str) -> None:
    for key in ("command", "args", "env", "cwd"):
        _refuse(section, key, transport)
    section.missing("url", "Write the address of its MCP endpoint, http://127.0.0.1:8000/mcp for example.")
    url = section.scalar_text("url")
    node = section.value("url")
    if url:
        for problem, fix in _address_problems(url):
            section.faults.note(node, section.child("url"), problem, fix)
    headers = section.section("headers")
    if headers is not None:
        _check_headers(headers)


def _check_headers(headers: Section) -> None:
    for name in headers.entries:
        if not _HEADER.fullmatch(name):
            headers.faults.note(
                headers.value(name), headers.child(name), "is not a header's name", "Use letters, digits and hyphens."
            )
        elif name.lower() in _OWN_HEADERS:
            headers.faults.note(headers.value(name), headers.child(name), "is set by the gateway itself", "Remove it.")


def _refuse(section: Section, key: str, transport: str) -> None:
    node: yaml.Node | None = section.value(key)
    if node is not None:
        section.faults.note(node, section.child(key), f"means nothing for transport {transport}", "Remove it.")


def _address_problems(url: str) -> list[tuple[str, str]]:
    """What is wrong with the address. The texts never repeat it: it may carry a secret."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return [("is not a valid address", "Write http://HOST:PORT/PATH; an IPv6 address goes into [brackets].")]
    problems: list[tuple[str, str]] = []
    if parts.scheme not in ("http", "https"):
        said = f"has the scheme {parts.scheme}" if parts.scheme and len(parts.scheme) < 20 else "has no scheme"
        problems.append((said, "Begin it with http:// or https://."))
    if not host or re.search(r"\s", url):
        problems.append(("names no host" if not host else "has a space in it", "Write http://HOST:PORT/PATH."))
    if parts.username is not None or parts.password is not None:
        problems.append(("carries a user name or password", "Remove it and send it as a header: headers: {Authorization: ...}."))
    if port == 0:
        problems.append(("has port 0", "Name the port the server listens on."))
    if parts.fragment:
        problems.append(("has a part after #", "Remove it; it is never sent."))
    return problems
