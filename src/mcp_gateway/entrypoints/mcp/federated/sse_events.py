"""How a message of JSON is written as a server-sent event, and what heads a stream of them."""

from typing import Final

EVENT_HEADERS: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)


def event_bytes(message: bytes, event_id: str = "") -> bytes:
    """One event. Line breaks in JSON are blanks, and would end the event."""
    if b"\n" in message or b"\r" in message:
        message = message.replace(b"\n", b" ").replace(b"\r", b" ")
    if event_id:
        return b"event: message\nid: %b\ndata: %b\n\n" % (event_id.encode(), message)
    return b"event: message\ndata: " + message + b"\n\n"
