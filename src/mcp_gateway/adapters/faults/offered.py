"""Every fault by its code: what it is the cause of, what is done for it, and what that needs.

What a fault needs decides where it can be had: `redis` in any Redis, `line` between any two parts that a line is put between,
`rig` in the benchmark alone, whose parts can be told to misbehave.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Needs: TypeAlias = Literal["redis", "line", "rig"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Offered:
    """`cause`: what a diagnosis calls it. `injects`: a sentence for people."""

    code: str
    cause: str
    injects: str
    needs: Needs = "rig"


OFFERED: tuple[Offered, ...] = (
    Offered(
        code="F01", cause="limiter_keys_without_ttl", needs="redis", injects="Counting keys that never expire, more each moment."
    ),
    Offered(code="F02", cause="tenant_flood", injects="One tenant asks far more than his limit allows."),
    Offered(code="F03", cause="limit_too_low", needs="redis", injects="Every stored limit is a tenth of what it was."),
    Offered(code="F04", cause="cache_ttl_too_short", injects="Cached values live for moments."),
    Offered(code="F05", cause="redis_memory_evicting", injects="The store has no room and throws keys out."),
    Offered(code="F06", cause="redis_memory_full", needs="redis", injects="The store has no room and refuses writes."),
    Offered(code="F07", cause="invalidations_lost", injects="A replica does not hear invalidations."),
    Offered(code="F08", cause="hot_key", injects="Nearly all reads want the same key."),
    Offered(code="F09", cause="big_key", needs="redis", injects="A hash of 8,000 fields is read whole, again and again."),
    Offered(
        code="F10", cause="slow_redis_command", needs="redis", injects="KEYS is asked again and again, among 60,000 more keys."
    ),
    Offered(code="F11", cause="redis_hung", needs="redis", injects="The store takes connections and answers nobody."),
    Offered(code="F12", cause="redis_refused", needs="line", injects="Nobody listens where the store was."),
    Offered(code="F13", cause="redis_script_lost", injects="The store forgets the limiter's script, and nobody sends it again."),
    Offered(code="F14", cause="engine_slow", needs="line", injects="Each piece of a request or an answer takes 0.8 s longer."),
    Offered(code="F15", cause="engine_errors", injects="The engine answers with errors."),
    Offered(code="F16", cause="engine_hangs", needs="line", injects="Requests are taken and never answered."),
    Offered(code="F17", cause="breaker_stuck_open", injects="The circuit before the engine is held open."),
    Offered(code="F18", cause="upstream_pool_too_small", injects="The pool before the engine has one connection."),
    Offered(code="F19", cause="connection_leak", injects="Connections to the engine are never given back."),
    Offered(code="F20", cause="memory_leak", injects="Each chat leaves memory behind."),
    Offered(code="F21", cause="event_loop_blocked", injects="A handler holds the event loop."),
    Offered(code="F22", cause="slow_sql", injects="The database loses an index."),
    Offered(code="F23", cause="upstream_address_wrong", injects="The gateway looks for the engine where nobody is."),
    Offered(code="F24", cause="clock_skew", injects="The clock of one replica is wrong."),
    Offered(code="F25", cause="signing_keys_stale", injects="Tokens are signed with a key that is not published."),
    Offered(code="F26", cause="mcp_server_hung", needs="line", injects="Calls to a server are taken and never answered."),
    Offered(code="F26b", cause="mcp_schema_changed", injects="A server renames a field of its tool."),
)
BY_CODE = {one.code: one for one in OFFERED}
