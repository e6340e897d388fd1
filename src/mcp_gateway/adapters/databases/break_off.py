"""Ending a conversation with a database server from another thread, in the midst of whatever it says."""

import contextlib
import socket


def shut_down_socket(connection: socket.socket | None) -> None:
    """Whoever reads from it is told at once that the other side has gone; to the server it looks the same."""
    if connection is None:
        return
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
