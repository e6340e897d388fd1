"""Routes that are open on purpose: health, figures, descriptions. They need no caller and no limit."""

import re
from fnmatch import fnmatch
from typing import Final

from mcp_gateway.kit.patterns.study import Study
from mcp_gateway.kit.patterns.web.model import Route

PUBLIC: Final = re.compile(
    r"(^|/)(health|healthz|health[-_]?check|livez|readyz|live|liveness|ready|readiness|ping|metrics|version|favicon\.ico|robots\.txt|openapi\.json)/?$"
)
ENTRANCE: Final = re.compile(
    r"(^|/)(login|logout|token|signin|sign-in|signup|register|callback|authorize|password-recovery.*|refresh)(/|$)"
)


def is_public(route: Route, study: Study) -> bool:
    """Reading routes of health and the like, and what the settings name."""
    return all(_is_named(path, study) or (route.reads and bool(PUBLIC.search(path))) for path in study.paths(route))


def _is_named(path: str, study: Study) -> bool:
    return any(fnmatch(path, one) for one in study.order.public_paths)


def is_entrance(route: Route, study: Study) -> bool:
    """Where callers log in: nobody is known there yet."""
    return is_public(route, study) or bool(ENTRANCE.search(route.path))
