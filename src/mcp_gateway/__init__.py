"""MCP Gateway: MCP servers and tables behind one governed endpoint."""
