"""The kit's thin FastAPI face; the only part of the kit that imports a web framework.

One middleware, one dependency in each handler's signature, problem details for every error. See docs/kit/fastapi.md.
"""

from mcp_gateway.kit.fastapi.guard import Guard
from mcp_gateway.kit.fastapi.health import health_router
from mcp_gateway.kit.fastapi.install import install
from mcp_gateway.kit.fastapi.middleware import KitMiddleware
from mcp_gateway.kit.fastapi.openapi import EVENTS, describe_guards, problems
from mcp_gateway.kit.fastapi.passage import Call, CallerProvider, Face
from mcp_gateway.kit.fastapi.problems import problem_response
from mcp_gateway.kit.fastapi.relay import EventRelay
from mcp_gateway.kit.fastapi.route import GuardedRoute
from mcp_gateway.kit.fastapi.spans import current_trace_id

__all__ = [
    "EVENTS", "Call", "CallerProvider", "EventRelay", "Face", "Guard", "GuardedRoute", "KitMiddleware",
    "current_trace_id", "describe_guards", "health_router", "install", "problem_response", "problems",
]  # fmt: skip
