"""MCP servers reached as a client: Streamable HTTP, SSE, stdio, or in the same process."""

from mcp_gateway.adapters.upstream.server import McpServer, embedded_server, remote_server

__all__ = ["McpServer", "embedded_server", "remote_server"]
