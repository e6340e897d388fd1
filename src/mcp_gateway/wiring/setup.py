"""What a gateway stands on, made where it is missing and tried where it is not: state directory, key, store, Redis, providers.

Doing it again changes nothing. A gateway that starts makes all of it by itself; this is for looking at it before.
"""

from mcp_gateway.access.examination.step import Step, ok, problem, unknown
from mcp_gateway.adapters.key_file import KEY_NAME
from mcp_gateway.adapters.retired_keys import RETIRED, read_retired_keys
from mcp_gateway.adapters.sql.audit import open_audit_store
from mcp_gateway.adapters.sql.engine import NEWEST_STEP
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.auth_doctor import Chapter, examine_access
from mcp_gateway.wiring.store import open_own_store
from mcp_gateway.wiring.tokens import open_embedded_issuer

_REDIS_SECONDS = 3.0
# Whose chains are looked at: enough to see a key that is not shared.
MOST_TENANTS = 50


async def set_up(settings: Settings, clock: Clock) -> tuple[Chapter, ...]:
    """One chapter for this machine, then one for each provider. Raises nothing: what is wrong is a step."""
    own = Chapter(
        title="gateway",
        steps=(
            _make_key(settings, clock),
            await _make_store(settings, clock),
            _fits_replicas(settings),
            await _try_redis(settings),
        ),
    )
    return own, *await examine_access(settings, clock)


def _make_key(settings: Settings, clock: Clock) -> Step:
    there = (settings.state_dir / KEY_NAME).exists()
    try:
        issuer = open_embedded_issuer(settings, clock)
    except GatewayError as error:
        return problem("signing key", error.message, error.hint, "this machine")
    done = "is there" if there else "was made"
    return ok("signing key", f"{settings.state_dir / KEY_NAME} {done}; this installation is {issuer.installation_id}.")


async def _make_store(settings: Settings, clock: Clock) -> Step:
    """Opening it brings its tables up to date."""
    try:
        installation = open_embedded_issuer(settings, clock).installation_id
        known = {installation, *read_retired_keys(settings.state_dir)}
        async with open_own_store(settings) as engine, open_audit_store(engine, installation) as audit:
            shown = engine.url.render_as_string(hide_password=True)
            names = await audit.tenants()
            heads = [await audit.head(name) for name in names[:MOST_TENANTS]]
    except GatewayError as error:
        return problem("store", error.message, error.hint, "this machine")
    if any(head is not None and head.installation not in known for head in heads):
        said = f"{shown} answers, but an audit trail in it was begun with another signing key."
        change = (
            f"Replicas share one {settings.state_dir / KEY_NAME}; keys from before belong into {settings.state_dir / RETIRED}."
        )
        return problem("store", said, change, "this machine")
    tenants = len(names)
    trail = f"{tenants} tenant{' has' if tenants == 1 else 's have'} a trail"
    return ok("store", f"{shown} answers and is at step {NEWEST_STEP}; {trail}.", tenants=tenants)


def _fits_replicas(settings: Settings) -> Step:
    if settings.replicas > 1 and (settings.database_url is None or settings.database_url.startswith("sqlite")):
        change = "Set DATABASE_URL to Postgres, or keep all replicas on this machine."
        return problem("replicas", "A store in a file cannot be shared by machines.", change, "this machine")
    if settings.replicas > 1 and settings.redis_url is None:
        return problem("replicas", "Without Redis each replica limits for itself.", "Set REDIS_URL.", "this machine")
    return ok("replicas", f"{settings.replicas} can stand on this.")


async def _try_redis(settings: Settings) -> Step:
    if settings.redis_url is None:
        return unknown("redis", "REDIS_URL is not set: sessions, limits and copies are this process's own.")
    try:
        async with await RedisConnection.open(
            settings.redis_url.get_secret_value(), timeout_seconds=_REDIS_SECONDS, tolerate_down=False
        ) as connection:
            took = await connection.ping()
            return ok("redis", f"{connection.shown_address} answered in {took * 1000:.1f} ms.")
    except GatewayError as error:
        return problem("redis", error.message, error.hint, "this machine")
