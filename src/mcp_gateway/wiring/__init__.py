"""The composition root: the only place that knows which adapter serves which feature. Nothing is created at import.

`data.py` opens the two features behind the MCP servers, `gateway.py` the gateway over any MCP servers. Import the one you
need: the tables server has no use for the engine, and starting it should not wait for it.
"""
