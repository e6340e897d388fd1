"""Makes routers: from a checked order to the files of a router and its tests, which stand on the kit alone.

It writes nothing but what it is told to, knows no MCP, and imports neither Jinja nor LibCST before they are used.
"""
