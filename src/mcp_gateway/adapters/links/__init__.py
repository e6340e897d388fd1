"""Links to upstream MCP servers: one for each transport and era, all offering the semantics of revision 2026-07-28.

`links.py` gives the link of a server. Everything that goes out over HTTP goes through `http_client.py`, which connects only to
addresses `adapters/egress.py` allows.
"""
