"""The MCP servers behind the gateway: one that does not answer, or one whose tools are not what they were."""

from collections.abc import Sequence

from mcp_gateway.diagnostics.causes.case import Case, sign
from mcp_gateway.diagnostics.causes.comparing import either, neither, rose
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Hypothesis

CALLS = "mcp.calls_total"
# So many servers are named, and looked after, in one answer.
NAMED = 5
UNANSWERED = ("timeout", "timed_out", "unreachable", "broken", "unavailable")
MISFIT = ("invalid", "invalid_params", "refused", "error")


def server_hung(window: Window) -> Hypothesis:
    """Calls to one server get no answer, and those to the others do."""
    server = _most(window, UNANSWERED)
    case = Case(window, "mcp_server_hung", f"server {server}" if server else "mcp servers", "An MCP server does not answer")
    told = [one for one in UNANSWERED if server and rose(window, CALLS, server=server, outcome=one)]
    outcome = window.text("mcp.probe_outcome", server=server) if server else None
    case.must(
        bool(told) if server else False if window.knows(CALLS) else None,
        *(sign(CALLS, server=server, outcome=one) for one in told),
        but="Calls to the MCP servers are answered.",
    )
    others = [one for one in window.labels(CALLS, "server") if one != server]
    ill = [rose(window, CALLS, server=one, outcome=how) for one in others for how in UNANSWERED]
    case.must(
        neither(*ill) if others else None,
        *(sign(CALLS, server=one, outcome="ok") for one in others),
        but="No server answers: it is not one server.",
    )
    case.may(None if outcome is None else outcome != "ok", sign("mcp.probe_outcome", server=server))
    return case.concluded("Calls to one server end without an answer while the others answer as usual.")


def schema_changed(window: Window) -> Hypothesis:
    """A server describes its tools otherwise than before, and calls that were right no longer fit."""
    changed = changed_servers(window)
    case = Case(
        window,
        "mcp_schema_changed",
        _servers(changed) if changed else "mcp servers",
        "An MCP server's tools are not what they were",
    )
    case.must(
        bool(changed) if window.knows("mcp.tools_digest") else None,
        *(sign("mcp.tools_digest", server=one) for one in changed[:NAMED] or ("",)),
        but="All servers describe the tools they described before.",
    )
    case.may(
        either(*(rose(window, CALLS, server=server, outcome=one) for server in changed for one in MISFIT)) if changed else None,
        *(sign(CALLS, server=server, outcome=one) for server in changed[:NAMED] for one in MISFIT[:1]),
    )
    return case.concluded("The digest of a server's tools changed, and calls that were right before are refused now.")


def changed_servers(window: Window) -> list[str]:
    """Those that describe their tools otherwise than when all was well."""
    return [one for one in window.labels("mcp.tools_digest", "server") if _differs(window, one)]


def _servers(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"server {names[0]}"
    others = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"servers {', '.join(names[:NAMED])}{others}"


def _most(window: Window, outcomes: tuple[str, ...]) -> str:
    counts = {
        server: sum(window.change(CALLS, server=server, outcome=one) or 0.0 for one in outcomes)
        for server in window.labels(CALLS, "server")
    }
    server = max(counts, key=lambda one: (counts[one], one), default="")
    return server if counts.get(server) else ""


def _differs(window: Window, server: str) -> bool:
    now, before = window.text("mcp.tools_digest", server=server), window.baseline_text("mcp.tools_digest", server=server)
    return bool(now and before and now != before)
