"""How the line to the store is, as figures: so that a store that hangs and one that refuses look different from outside."""

from typing import Final

from mcp_gateway.kit.figures import Figures, Metric
from mcp_gateway.kit.redis.connection import ConnectionState, RedisConnection

STATE: Final = Metric(
    name="store_state", help="The line to the store: 2 live, 1 silent (connected, no answer), 0 down.", kind="gauge"
)
CHANGES: Final = Metric(
    name="store_changes", help="Changes of the line to the store, by what it became.", kind="counter", labels=("state",)
)
_NUMBERS: Final[dict[ConnectionState, int]] = {"live": 2, "silent": 1, "down": 0}


def report_state(connection: RedisConnection, figures: Figures) -> None:
    """Keep figures of this connection's state from now on."""
    shown = figures.gauge(STATE)

    def entered(state: ConnectionState) -> None:
        shown.set(_NUMBERS[state])
        figures.counter(CHANGES, state=state).add()

    shown.set(_NUMBERS[connection.state])
    connection.on_state(entered)
