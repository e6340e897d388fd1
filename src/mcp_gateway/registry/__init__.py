"""Which MCP servers exist, what they were approved to offer, and whether they are fit to be offered.

Registering a server never runs anything and opens nothing but one checked connection to it.
"""
