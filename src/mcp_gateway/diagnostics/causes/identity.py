"""Why tokens are refused: a clock that is wrong on one machine, or keys that the gateway does not have."""

from statistics import median

from mcp_gateway.diagnostics.causes.case import Case, sign
from mcp_gateway.diagnostics.causes.comparing import either, neither, rose
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Hypothesis

FAILURES, SKEW = "gateway.auth_failures_total", "gateway.clock_skew_seconds"
BY_TIME = ("expired", "not_yet_valid", "issued_in_future")
BY_KEY = ("unknown_key", "kid_not_found", "no_matching_key")
# The Date header knows whole seconds, and an answer takes some time.
HEADER_SECONDS = 3.0


def clock_skew(window: Window) -> Hypothesis:
    """One machine's clock differs from the others' and from ours, and so it alone refuses what is valid."""
    skews = window.by(SKEW, "replica", of="value")
    usual = median(skews.values()) if len(skews) > 2 else 0.0
    off = {replica: abs(skew - usual) for replica, skew in skews.items()}
    replica = max(off, key=lambda one: (off[one], one), default="")
    case = Case(window, "clock_skew", f"replica {replica}" if replica else "gateway", "A replica's clock is wrong")
    before = window.baseline(SKEW, replica=replica) if replica else None
    case.must(
        None if not replica else off[replica] > HEADER_SECONDS and abs(skews[replica] - (before or 0.0)) > HEADER_SECONDS,
        sign(SKEW, replica=replica),
        but="The replicas' clocks agree with ours.",
    )
    case.may(either(*(rose(window, FAILURES, reason=one) for one in BY_TIME)), *(sign(FAILURES, reason=one) for one in BY_TIME))
    case.may(
        neither(*(rose(window, FAILURES, reason=one) for one in BY_KEY)), *(sign(FAILURES, reason=one) for one in BY_KEY[:1])
    )
    return case.concluded("The clock of one replica differs from all others, and it refuses tokens by their times.")


def keys_stale(window: Window) -> Hypothesis:
    """Tokens name a key that is not in the key set the gateway has."""
    case = Case(window, "signing_keys_stale", "identity provider", "Tokens are signed with a key the gateway does not have")
    case.must(
        either(*(rose(window, FAILURES, reason=one) for one in BY_KEY)),
        *(sign(FAILURES, reason=one) for one in BY_KEY if (window.change(FAILURES, reason=one) or 0) > 0),
        but="No token names a key the gateway does not know.",
    )
    case.may(rose(window, "gateway.signing_keys_fetches_total", least=2), sign("gateway.signing_keys_fetches_total"))
    unreachable = window.text("signing_keys.probe_outcome")
    case.may(None if unreachable is None else unreachable != "ok", sign("signing_keys.probe_outcome"))
    digest, before = window.text("signing_keys.digest"), window.baseline_text("signing_keys.digest")
    case.may(None if digest is None or before is None else digest == before, sign("signing_keys.digest"))
    return case.concluded(
        "Tokens are refused because they name a key that is not in the key set: it was rotated, and the set was not."
    )
