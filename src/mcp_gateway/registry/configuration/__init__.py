"""The servers file: MCP servers, virtual servers and reachable networks as an operator writes them down."""
