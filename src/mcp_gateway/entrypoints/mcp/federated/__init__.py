"""The federated endpoint: clients of every era before many servers.

Plain ASGI and plain JSON. What a client of 2026-07-28 sends is read only as far as it must be, and passed on as it came.
"""
