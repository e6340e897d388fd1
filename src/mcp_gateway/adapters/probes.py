"""Health checks that do the part's real work once."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from mcp_gateway.ask.ports import UpstreamServer
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.diagnostics.ports import Finding

FindServer: TypeAlias = Callable[[], UpstreamServer | None]


def probe_name(server: str) -> str:
    """What the check of a server is called in the health report."""
    return f"mcp_{server}"


class ServerProbe:
    """Lists the server's resources, which connects it when it is not.

    `find` gives the server as it is configured now, None when it no longer is: the configuration may change meanwhile.
    """

    def __init__(self, key: str, find: FindServer, *, title: str, priority: int, needed: bool) -> None:
        self.name = probe_name(key)
        self.needed = needed
        self._find = find
        self._facts: dict[str, Json] = {"title": title, "priority": priority}

    async def check(self) -> Finding:
        server = self._find()
        if server is None:
            return Finding(healthy=True, status="no longer configured", facts=self._facts)
        try:
            listing = await server.list_resources()
        except GatewayError as error:
            return Finding(
                healthy=False, status="disconnected", facts={**self._facts, "error": error.message, "code": error.code}
            )
        return Finding(healthy=True, status="connected", facts={**self._facts, "resources": len(listing.resources)})


class DatabaseProbe:
    """Runs a query that needs no table, through the server that runs the questions' queries."""

    name = "database"
    needed = True

    def __init__(self, find: FindServer) -> None:
        self._find = find

    async def check(self) -> Finding:
        server = self._find()
        if server is None:
            return Finding(healthy=False, status="no server runs queries")
        try:
            result = await server.call_tool("execute_query", {"sql": "SELECT 1", "max_rows": 1})
        except GatewayError as error:
            return Finding(healthy=False, status="unreachable", facts={"error": error.message, "code": error.code})
        return Finding(
            healthy=True, status="answering", facts={"dialect": result.get("dialect"), "query_ms": result.get("duration_ms")}
        )


class OrchestratorProbe:
    """Whether the servers together can answer. One that can be done without is missing in the facts and ill as its own part."""

    name = "orchestrator"

    def __init__(self, gather: Callable[[], Awaitable[dict[str, Json]]], *, needed: bool = True) -> None:
        self.needed = needed
        self._gather = gather

    async def check(self) -> Finding:
        try:
            facts = await self._gather()
        except GatewayError as error:
            return Finding(healthy=False, status="cannot gather", facts={"error": error.message, "code": error.code})
        return Finding(healthy=True, status="operational", facts=facts)


class LanguageModelProbe:
    """Only whether one is configured: asking it costs money. The embedded engine answers without."""

    name = "llm"
    needed = False

    def __init__(self, model: str | None) -> None:
        self._model = model

    async def check(self) -> Finding:
        if self._model is None:
            return Finding(healthy=True, status="not configured", facts={"answers": "embedded engine"})
        return Finding(healthy=True, status="configured", facts={"model": self._model})
