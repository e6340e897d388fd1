"""The applications of each role: MCP servers over their features, the gateway over the servers, and all of it on one port.

Above `wiring` and `entrypoints`, because it is the one place that needs both: a gateway reaches its embedded MCP servers in
memory, and the same servers are offered over HTTP.
"""
