"""The log level that a configuration of MCP servers asks for, for the lines about those servers alone."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mcp_gateway.ask.configuration import OrchestrationConfig

# Gathering, resolving, connecting.
LOGGERS = ("mcp_gateway.ask", "mcp_gateway.adapters.upstream")


@contextmanager
def logged_as(rule: OrchestrationConfig | None) -> Iterator[None]:
    """While this is open, the level is the configuration's; None leaves it as it is."""
    before = [logging.getLogger(name).level for name in LOGGERS]
    if rule is not None:
        set_level(rule)
    try:
        yield
    finally:
        for name, level in zip(LOGGERS, before, strict=True):
            logging.getLogger(name).setLevel(level)


def set_level(rule: OrchestrationConfig) -> None:
    """`enable_logging` False lets nothing through."""
    for name in LOGGERS:
        logging.getLogger(name).setLevel(rule.log_level if rule.enable_logging else logging.CRITICAL + 1)
