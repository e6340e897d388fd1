"""How a command ends: what the shell is told (`cli/__init__.py` explains it), and from when on Ctrl-C is heard."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

FAILED = 1
INTERRUPTED = 130
_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def hear_interrupts() -> None:
    """From here on Ctrl-C raises `KeyboardInterrupt`; before, while modules were imported, it ended the process at once."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def told_to_end(heard: Callable[[], object]) -> Iterator[None]:
    """Within a running loop: Ctrl-C, SIGTERM and SIGHUP call `heard` in place of what they did before."""
    loop = asyncio.get_running_loop()
    before = [(number, signal.getsignal(number)) for number in _ENDING]
    try:
        for number in _ENDING:
            loop.add_signal_handler(number, heard)
        yield
    finally:
        for number, handler in before:
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
