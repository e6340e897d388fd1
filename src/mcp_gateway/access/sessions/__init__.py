"""Who is logged in at the page, and whose a session of the MCP handshake era is; nothing here keeps a token."""
