"""What is worth telling of a server and its lists. Pure; of the server's own words nothing is repeated but short, plain names."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from mcp_gateway.adapters.inspecting.reading import ReadList
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.core.protocol.revisions import MODERN
from mcp_gateway.federation.errors import AddressRefused, UpstreamRefused
from mcp_gateway.federation.guard.arguments import prepare
from mcp_gateway.federation.guard.errors import SchemaUnusable
from mcp_gateway.federation.model import UpstreamFacts
from mcp_gateway.registry.definitions.findings import is_suspicious, printable
from mcp_gateway.registry.definitions.suspicious import find_suspicious
from mcp_gateway.registry.inspection import Finding, ListKind, Severity
from mcp_gateway.registry.model import Server

MAX_NAME: Final = 64
SLOW_MS: Final = 1_000.0
MANY_TOOLS: Final = 100
MANY_TOKENS: Final = 20_000
# Of one kind of finding; the rest is counted.
TOLD: Final = 10
# Heuristics and schemas of this many; whoever offers more is told that first of all.
_LOOKED_INTO: Final = 1_000
_SHOWN: Final = 80
_ORDER: Final[dict[Severity, int]] = {"error": 0, "warning": 1, "note": 2}
_KEYS: Final[dict[ListKind, str]] = {"tools": "name", "prompts": "name", "resources": "uri", "templates": "uriTemplate"}


def gravest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda one: _ORDER[one.severity]))


def of_failure(error: GatewayError, what: str) -> Finding:
    """`what` was tried when it came to this."""
    code = "auth_needed" if isinstance(error, UpstreamRefused) else error.code.lower()
    if isinstance(error, AddressRefused):
        code = "address_refused"
    return Finding(code=code, severity="error", message=f"{what}: {error.message}", hint=error.hint)


def of_facts(server: Server, facts: UpstreamFacts, latency_ms: float, *, in_clear: bool) -> Iterator[Finding]:
    """`in_clear`: what is said to it crosses networks that are not the operator's, unencrypted."""
    if facts.era == "legacy":
        yield Finding(
            code="older_era",
            severity="note",
            message=f"It speaks {facts.revision}; the gateway keeps sessions with it and translates.",
            hint=f"Nothing needs to be done. A server of {MODERN} is spared the handshake and can vouch for its lists.",
        )
    if latency_ms > SLOW_MS:
        yield Finding(
            code="slow",
            severity="warning",
            message=f"Its quickest answer took {latency_ms:,.0f} ms.",
            hint="Look where it runs; every call through the gateway waits at least as long.",
        )
    if in_clear:
        yield Finding(
            code="plain_http",
            severity="warning",
            message="It is reached by plain http: whoever is on the way can read and change everything.",
            hint="Use https, or name its network in `allowed_networks` of the servers file if it is yours.",
        )
    if not facts.capabilities:
        yield Finding(
            code="offers_nothing",
            severity="warning",
            message="It says that it offers neither tools nor resources nor prompts.",
            hint="Check that the url is that of its MCP endpoint, and what the credential may do there.",
        )


def of_list(server: Server, read: ReadList, *, modern: bool) -> Iterator[Finding]:
    if not read.complete:
        message = f"Its list of {read.kind} goes on after {len(read.items):,}; no more was read."
        yield Finding(code="list_cut", severity="warning", message=message, hint="Split it into several servers.")
    if read.nameless:
        message = f"{read.nameless:,} entries of its {read.kind} are no definitions."
        yield Finding(code="malformed", severity="warning", message=message, hint="Tell whoever runs it; they are left out.")
    if modern and not read.ttl_ms:
        yield Finding(
            code="no_cache_hint",
            severity="note",
            message=f"It does not say how long its {read.kind} hold (ttlMs), so they are asked for again and again.",
            hint="Whoever runs it can set ttlMs and cacheScope on its lists.",
        )
    yield from _of_duplicates(read)
    if read.kind == "tools":
        yield from _of_tools(server, read)


def _of_duplicates(read: ReadList) -> Iterator[Finding]:
    key = _KEYS[read.kind]
    counted = Counter(name for one in read.items if isinstance(name := one.get(key), str))
    yield from _each(
        [name for name, count in counted.items() if count > 1],
        "duplicate_name",
        "warning",
        f"stands several times among its {read.kind}; the first counts",
        "Tell whoever runs it.",
    )


def _of_tools(server: Server, read: ReadList) -> Iterator[Finding]:
    tokens = read.facts().tokens
    if len(read.items) > MANY_TOOLS or tokens > MANY_TOKENS:
        yield Finding(
            code="huge_list",
            severity="warning",
            message=f"Its {len(read.items):,} tools cost a model about {tokens:,} tokens to read, each time.",
            hint="Offer a virtual server with the tools that are needed, or let clients search.",
        )
    named = [(name, one) for one in read.items if isinstance(name := one.get("name"), str)]
    yield from _each(
        [name for name, _ in named if len(server.prefix + name) > MAX_NAME],
        "long_name",
        "warning",
        f"is longer than {MAX_NAME} characters{' with its prefix' if server.prefix else ''}; it is listed shortened",
        "Choose a shorter prefix, or rename it in a virtual server.",
    )
    yield from _each(
        [name for name, one in named if not str(one.get("description") or "").strip()],
        "no_description",
        "warning",
        "has no description, so a model can only guess what it does",
        "Describe it in a virtual server, or tell whoever runs it.",
    )
    looked_into = named[:_LOOKED_INTO]
    yield from _each(
        _where(looked_into, _has_unusable_schema),
        "invalid_schema",
        "warning",
        "has an input schema that is not valid JSON Schema 2020-12, so it cannot be called",
        "Tell whoever runs it; check_arguments: false calls it all the same.",
    )
    yield from _each(
        _where(looked_into, lambda one: is_suspicious(find_suspicious(one))),
        "suspicious_text",
        "warning",
        "has text that seems to give orders to the model reading it",
        "Read it: `mcp-gateway tools show`; block it if it is not what it says.",
    )


def _where(named: Sequence[tuple[str, JsonObject]], holds: Callable[[JsonObject], bool]) -> list[str]:
    return [name for name, one in named if holds(one)]


def _has_unusable_schema(tool: JsonObject) -> bool:
    if "inputSchema" not in tool:
        return True
    try:
        prepare(tool)
    except SchemaUnusable:
        return True
    return False


def _each(names: Sequence[str], code: str, severity: Severity, what: str, hint: str) -> Iterator[Finding]:
    """One for each name up to a few, and one for all the others."""
    for name in names[:TOLD]:
        shown = plain(name)
        yield Finding(code=code, severity=severity, message=f"{shown!r} {what}.", hint=hint, subject=shown)
    if len(names) > TOLD:
        message = f"Of {len(names) - TOLD:,} more the same is true: {what}."
        yield Finding(code=code, severity=severity, message=message, hint=hint)


def plain(text: str) -> str:
    """A name of the server's, short and with nothing invisible in it."""
    return printable(text[:_SHOWN])[:_SHOWN]
