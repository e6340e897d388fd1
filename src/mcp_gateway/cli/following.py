"""`kill -USR2 PID`: a gateway that serves has Python follow its allocations for a while, so that a leak's line can be named.

Whoever may send a signal to the process may as well end it; nobody else can ask for what costs every request.
"""

import asyncio
import signal
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SECONDS: Final = 120.0
# None where the system has no such signal.
_SIGNAL: Final[int | None] = getattr(signal, "SIGUSR2", None)


@contextmanager
def allocations_followed_on_signal(*, seconds: float = SECONDS) -> Iterator[None]:
    """To be entered in the main thread, within the loop. While allocations are followed, a signal changes nothing."""
    if _SIGNAL is None:
        yield
        return
    loop = asyncio.get_running_loop()

    def follow() -> None:
        if not tracemalloc.is_tracing():
            tracemalloc.start()
            loop.call_later(seconds, tracemalloc.stop)

    loop.add_signal_handler(_SIGNAL, follow)
    try:
        yield
    finally:
        loop.remove_signal_handler(_SIGNAL)
