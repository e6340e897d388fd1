"""Whether a server or a virtual server can be used as it is written. Pure: no name is resolved and nothing is connected to.

Where an address leads is judged when it is used, by the address it then resolves to.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from mcp_gateway.core.errors import Json
from mcp_gateway.registry.errors import Problem
from mcp_gateway.registry.model import Credential, Selected, Server, ServerLimits, VirtualServer
from mcp_gateway.registry.names import NAME_RULE, RESERVED, is_name

MASKS: Final = frozenset({"email", "secret", "card", "phone"})
MAX_URL: Final = 2_048
MAX_SECRET: Final = 16_384
MAX_TOOLS: Final = 1_000
_MAX_TITLE, _MAX_TEXT, _MAX_INSTRUCTIONS, _MAX_WORD = 200, 2_000, 20_000, 300
_MAX_PRESET_BYTES: Final = 16_384
_PREFIX: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", re.ASCII)
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)
_TOOL: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}", re.ASCII)
# The gateway writes these itself, for the request or for the connection.
_OWN_HEADERS: Final = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "expect"),
        *("accept", "accept-encoding", "content-type", "last-event-id", "traceparent", "tracestate", "baggage", "cookie"),
    }
)
_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "timeout_seconds": (0.1, 3_600),
    "connect_seconds": (0.1, 60),
    "max_answer_bytes": (1_024, 1 << 30),
    "calls_at_once": (1, 10_000),
    "max_list_bytes": (1_024, 1 << 26),
}


def check_server(server: Server) -> list[Problem]:
    """Everything wrong with it, in the order of its fields."""
    return [
        *_check_name(server.name),
        *(_check_command(server) if server.transport == "stdio" else _check_url("url", server.url)),
        *_check_texts({"title": (server.title, _MAX_TITLE), "description": (server.description, _MAX_TEXT)}),
        *_check_texts({"tenant": (server.tenant, _MAX_TITLE)}),
        *_check_prefix(server.prefix),
        *_check_credential(server.credential),
        *_check_limits(server.limits),
        *(
            Problem(
                field="mask", problem=f"has {_shown(one)}, which is not known", fix=f"Use some of {', '.join(sorted(MASKS))}."
            )
            for one in sorted(server.mask - MASKS)
        ),
    ]


def check_virtual(virtual: VirtualServer) -> list[Problem]:
    """Everything wrong with it. Servers it names may come and go, so they need not exist."""
    texts = {"title": (virtual.title, _MAX_TITLE), "instructions": (virtual.instructions, _MAX_INSTRUCTIONS)}
    found = [*_check_name(virtual.name), *_check_texts(texts), *_check_texts({"tenant": (virtual.tenant, _MAX_TITLE)})]
    if not (virtual.tools or virtual.resources or virtual.prompts):
        found.append(Problem(field="tools", problem="is empty", fix="Name a tool, or a server in resources or prompts."))
    if len(virtual.tools) > MAX_TOOLS:
        found.append(Problem(field="tools", problem=f"has over {MAX_TOOLS:,} entries", fix="Make several virtual servers."))
        return found
    for field, servers in (("resources", virtual.resources), ("prompts", virtual.prompts)):
        found += [_bad_server(f"{field}[{at}]") for at, one in enumerate(servers) if not is_name(one)]
    for at, one in enumerate(virtual.tools):
        found += _check_selected(f"tools[{at}]", one)
    return [*found, *_check_twice(virtual.tools)]


def _check_name(name: str) -> Iterator[Problem]:
    if not is_name(name):
        yield Problem(field="name", problem=f"{_shown(name)} is not usable", fix=NAME_RULE)
    elif name in RESERVED:
        yield Problem(field="name", problem=f"{_shown(name)} is the gateway's own", fix="Choose another.")


def _check_command(server: Server) -> Iterator[Problem]:
    if server.command is None or not server.command.program:
        yield Problem(field="command", problem="is missing", fix="Write the program to start; its arguments go into args.")
    elif server.url:
        yield Problem(field="url", problem="does not belong to a program", fix="Write either command or url.")
    if server.credential.kind != "none":
        fix = "Hand a program its secrets in env."
        yield Problem(field="credential", problem="does not belong to a program", fix=fix)


def _check_url(field: str, url: str) -> Iterator[Problem]:
    fix = "Write https://HOST/PATH, the address of its MCP endpoint."
    if not url:
        yield Problem(field=field, problem="is missing", fix=fix)
        return
    if len(url) > MAX_URL or not url.isascii() or any(ord(one) <= 32 or ord(one) == 127 or one in '\\"<>^`{|}' for one in url):
        yield Problem(field=field, problem="is too long or has characters no address has", fix=fix)
        return
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        yield Problem(field=field, problem="cannot be read", fix=fix)
        return
    if parts.scheme not in ("http", "https") or not host or port == 0:
        yield Problem(field=field, problem="is no address of a server", fix=fix)
    if parts.username is not None or parts.password is not None:
        yield Problem(field=field, problem="holds a user name or a password", fix="Give it a credential instead.")
    if "#" in url:
        yield Problem(field=field, problem="has a # in it, which no server sees", fix="Leave out what follows.")


def _check_texts(texts: Mapping[str, tuple[str, int]]) -> Iterator[Problem]:
    for field, (text, longest) in texts.items():
        if len(text) > longest:
            yield Problem(field=field, problem=f"has {len(text):,} characters, over {longest:,}", fix="Shorten it.")
        elif not is_text(text):
            yield Problem(field=field, problem="has a control character", fix="Write plain text.")


def is_text(text: str) -> bool:
    """No control character but line breaks and tabs, nothing that reverses the direction of writing, no half characters."""
    return not any(
        (ord(one) < 32 and one not in "\n\t") or 0x7F <= ord(one) < 0xA0 or 0xD800 <= ord(one) < 0xE000 or one in _DIRECTION
        for one in text
    )


_DIRECTION: Final = "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))


def _check_prefix(prefix: str) -> Iterator[Problem]:
    if prefix and not _PREFIX.fullmatch(prefix):
        fix = "Use letters, digits, _, . and -, at most 32, beginning with a letter or digit; it is put right before each name."
        yield Problem(field="prefix", problem=f"{_shown(prefix)} is not usable", fix=fix)


def _check_credential(credential: Credential) -> Iterator[Problem]:
    kind, fix = credential.kind, "Write a value, or leave the credential out."
    if kind == "none":
        if credential != Credential():
            yield Problem(field="credential.kind", problem="is none, and yet there is one", fix="Name its kind.")
        return
    if not credential.secret and kind != "token_exchange":
        yield Problem(field="credential.secret", problem="is missing", fix=fix)
    if len(credential.secret) > MAX_SECRET or any(ord(one) < 32 or ord(one) > 126 for one in credential.secret):
        yield Problem(field="credential.secret", problem="is too long or not plain ASCII on one line", fix=fix)
    oauth = kind in ("client_credentials", "token_exchange")
    if kind == "header":
        yield from _check_header(credential.header)
    elif credential.header:
        yield Problem(field="credential.header", problem=f"does not belong to {kind}", fix="Leave it out, or use kind header.")
    if oauth:
        yield from _check_url("credential.token_url", credential.token_url)
        if not credential.client_id:
            yield Problem(field="credential.client_id", problem="is missing", fix="Write the id the gateway is registered with.")
    words = {name: getattr(credential, name) for name in ("token_url", "client_id", "scope", "audience")}
    for name, text in words.items():
        if text and not oauth:
            yield Problem(field=f"credential.{name}", problem=f"does not belong to {kind}", fix="Leave it out.")
        elif len(text) > _MAX_TEXT or any(ord(one) < 32 or ord(one) > 126 for one in text):
            yield Problem(
                field=f"credential.{name}", problem="is too long or not plain ASCII", fix="Write it as the server has it."
            )


def _check_header(name: str) -> Iterator[Problem]:
    if not _HEADER.fullmatch(name):
        yield Problem(field="credential.header", problem="is no name of a header", fix="Use letters, digits and dashes.")
    elif name.lower() in _OWN_HEADERS or name.lower().startswith(("mcp-", "proxy-", "x-forwarded-")):
        yield Problem(field="credential.header", problem="is set by the gateway itself", fix="Use another header.")


def _check_limits(limits: ServerLimits) -> Iterator[Problem]:
    for name, (least, most) in _BOUNDS.items():
        value = getattr(limits, name)
        if not least <= value <= most:
            yield Problem(field=f"limits.{name}", problem=f"is outside {least:,} to {most:,}", fix="Choose a value within.")


def _check_selected(at: str, one: Selected) -> Iterator[Problem]:
    if not is_name(one.server):
        yield _bad_server(f"{at}.server")
    if not 0 < len(one.tool) <= _MAX_WORD or not is_text(one.tool):
        yield Problem(field=f"{at}.tool", problem="is not a tool's name", fix="Write it as the server lists it, without prefix.")
    if one.name is not None and not (_TOOL.fullmatch(one.name) and len(one.name) <= 64):
        fix = "Use letters, digits, _, -, . and /, at most 64."
        yield Problem(field=f"{at}.name", problem=f"{_shown(one.name)} is not usable", fix=fix)
    yield from _check_texts({f"{at}.description": (one.description or "", _MAX_INSTRUCTIONS)})
    if any(not 0 < len(word) <= _MAX_WORD or not is_text(word) for word in (*one.hidden, *one.preset)):
        yield Problem(field=f"{at}.hidden", problem="has a name no argument has", fix="Name arguments as the tool's schema does.")
    if one.preset and not _fits(dict(one.preset)):
        fix = "Preset less, and only what JSON can say."
        yield Problem(field=f"{at}.preset", problem=f"is over {_MAX_PRESET_BYTES:,} bytes, or no JSON", fix=fix)


def _check_twice(tools: tuple[Selected, ...]) -> Iterator[Problem]:
    seen: set[str] = set()
    for at, one in enumerate(tools):
        shown = one.name or one.tool
        if shown in seen:
            yield Problem(field=f"tools[{at}].name", problem=f"{_shown(shown)} is there already", fix="Give one another name.")
        seen.add(shown)


def _bad_server(field: str) -> Problem:
    return Problem(field=field, problem="is no name of a server", fix=NAME_RULE)


def _fits(value: Json) -> bool:
    """Short enough, and writable: no numbers that JSON lacks, no half characters, not nested without end."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        return len(text.encode()) <= _MAX_PRESET_BYTES
    except (ValueError, RecursionError):
        return False


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 60 else text[:57] + "...")
