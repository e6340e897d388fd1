"""The read side of the registry protocol that clients know (modelcontextprotocol/registry, v0.1): what is told, and what is read.

Pure. Nothing is published over it, and packages are none of its business: nothing from a registry is ever run here.
"""
