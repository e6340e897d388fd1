"""How a command ends: what the shell is told (`cli/__init__.py` explains it), and from when on Ctrl-C is heard."""

import signal
import threading

FAILED = 1
INTERRUPTED = 130


def hear_interrupts() -> None:
    """From here on Ctrl-C raises `KeyboardInterrupt`; before, while modules were imported, it ended the process at once."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
