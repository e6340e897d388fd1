"""Many upstream MCP servers seen as one: who offers what, where a request goes, and what it passes on its way.

Inside there is one language, revision 2026-07-28: every request stands alone, and a server that needs something from the client
says so in its result. Clients and upstreams of older eras are translated at the two rims (`entrypoints/mcp/federated/` and
`adapters/links/`), so any client meets any upstream, and a pair that both speak it is passed through byte by byte.
"""
