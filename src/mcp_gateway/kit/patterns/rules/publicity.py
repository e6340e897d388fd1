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
# Who proves who it is, or says by what it will: a code counts once, and a password set twice is set.
PROVING: Final = re.compile(
    r"(^|/)((\w+-)?(otp|totp|mfa|2fa)(/\w+)?|(re)?set-password|change-password|password-reset|magic-link|passkeys?/\w+)/?$"
)
LOGGING_IN: Final = re.compile(r"^(log_?(in|out)|sign_?(in|out)|authenticate)(_(user|for|with|via|by)\w*)?$")


def is_public(route: Route, study: Study) -> bool:
    """Reading routes of health and the like, and what the settings name."""
    return all(_is_named(path, study) or (route.reads and bool(PUBLIC.search(path))) for path in study.paths(route))


def _is_named(path: str, study: Study) -> bool:
    return any(fnmatch(path, one) for one in study.order.public_paths)


def is_entrance(route: Route, study: Study) -> bool:
    """Where callers log in: nobody is known there yet."""
    name = route.name.rpartition(".")[2]
    return is_public(route, study) or bool(ENTRANCE.search(route.path) or LOGGING_IN.match(name))


def proves_caller(route: Route) -> bool:
    """Whether it is a step of logging in."""
    return bool(PROVING.search(route.prefixed_path))
