"""What a program leaves when it has killed its guardian: found by its session, and by descent from there.

A guardian ends all of a program's offspring itself; but it runs as the same user, so a program can kill it. Who has left both the
session and its parents by then gets away: only another user, or a container of its own, would hold it.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

from mcp_gateway.adapters.links.legacy.guardian import offspring

_PROCESSES: Final = Path("/proc")
_ROUNDS: Final = 50
_STEP_SECONDS: Final = 0.02


def end_remains(guardian: int) -> None:
    """Kills whoever is in the session of this guardian, which is dead, and their offspring. Takes a second at most."""
    if not sys.platform.startswith("linux"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(guardian, signal.SIGKILL)
        return
    for _ in range(_ROUNDS):
        left = _left(guardian)
        if not left:
            return
        for process in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(_STEP_SECONDS)


def _left(guardian: int) -> set[int]:
    in_session = [int(entry.name) for entry in _PROCESSES.glob("[0-9]*") if _is_in(entry, str(guardian))]
    return {*in_session, *(one for process in in_session for one in offspring(process))}


def _is_in(process: Path, session: str) -> bool:
    try:
        state, _, _, own = (process / "stat").read_bytes().decode("latin-1").rpartition(")")[2].split()[:4]
    except (OSError, ValueError):
        return False
    return own == session and state not in "ZX"
