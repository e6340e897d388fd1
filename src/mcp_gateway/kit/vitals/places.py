"""Lines of code as people find them again: `file:line`, without where on this machine the code lies."""

import os
import re
import sys
import threading
from collections.abc import Iterable
from pathlib import PurePath

_SHOWN_PARTS = 3
_BETWEEN = re.compile(r"[/\\]")
_OUR_PACKAGE = "/mcp_gateway/"


def place_of(frames: Iterable[tuple[str, int]]) -> str:
    """Of files and lines, innermost first: the first outside the standard library and installed packages.

    Where all are of these: the first of this product's own, else the innermost. Raises `StopIteration` without frames.
    """
    known = tuple(frames)
    own = (one for one in known if not _foreign(one[0]))
    ours = (one for one in known if _OUR_PACKAGE in one[0])
    return shown(*next(own, None) or next(ours, None) or next(iter(known)))


def shown(filename: str, line: int) -> str:
    """The last parts of the path below the folder it is imported from; of what lies elsewhere the name alone."""
    folders = (entry.rstrip(os.sep) for entry in sys.path)
    roots = [root for folder in folders if folder and filename.startswith(root := f"{folder}{os.sep}")]
    parts = _BETWEEN.split(filename.removeprefix(max(roots, key=len, default="")))
    return f"{'/'.join(parts[-_SHOWN_PARTS:] if roots else parts[-1:])}:{line}"


def _foreign(filename: str) -> bool:
    return "site-packages" in filename or filename.startswith((*_STANDARD, "<frozen"))


# Where the standard library lies: beside `threading`.
_STANDARD = (str(PurePath(threading.__file__).parent),)
