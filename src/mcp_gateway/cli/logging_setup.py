"""Where log lines go and how they look: stderr, as JSON or for people, ours and the libraries' alike.

stdout belongs to results (and, with stdio transport, to the protocol). Tracebacks never show local variables: they hold rows and
tokens.
"""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import Processor

from mcp_gateway.core.correlation import with_correlation_id
from mcp_gateway.settings import Settings, load_settings

# These say on INFO what our own lines say better.
QUIET_LOGGERS = (
    "httpx",
    "httpx2",
    "httpcore",
    "mcp",
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "asyncio",
    "sqlalchemy",
    "alembic",
    "sqlglot",
)
# These repeat, with tracebacks that quote what a server sent, what the connection's own error says.
SILENT_LOGGERS = ("mcp.client", "client")


def quiet_settings() -> Settings:
    """The settings, for a command whose answer is to stand alone: unless more or less was asked for, errors alone are logged."""
    settings = load_settings()
    configure_logging("ERROR" if settings.log_level == "INFO" else settings.log_level, settings.log_format)
    return settings


def configure_logging(level: str, form: Literal["auto", "json", "console"]) -> None:
    """Call once, before anything logs. `level` is a name such as INFO; "auto" writes for people at a terminal, JSON elsewhere."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        with_correlation_id,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    for_people = form == "console" or (form == "auto" and sys.stderr.isatty())
    ending: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if for_people
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        # By the levels of the standard library, which a part may have set for itself: the MCP configuration does.
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in SILENT_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
