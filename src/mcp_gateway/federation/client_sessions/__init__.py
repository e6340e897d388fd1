"""Sessions of clients that open one with a handshake (until 2025-11-25); so small that any replica serves any of them."""
