"""`python -m tests.warm.server FD`: a process that has imported the product, and forks off Python programs when it is told to.

Importing the product takes two seconds of a processor, and so does taking it apart at the end; a fork has neither. Every program
is still a process of its own, with its own environment, folder, files and signals. Commands come over the socket `FD`; it ends
with the socket.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

# What the programs of the tests import. Not the modules they are run as: those are executed afresh.
PRELOADED = (
    "mcp_gateway.cli.demo",
    "mcp_gateway.cli.serve",
    "mcp_gateway.cli.glossary",
    "mcp_gateway.cli.tables",
    "mcp_gateway.cli.tools",
    "mcp_gateway.cli.tokens",
    "mcp_gateway.cli.audit",
    "mcp.server.sse",
    "mcp.server.streamable_http_manager",
    "tests.upstreams.conformance.server",
    "tests.upstreams.scripted_http",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
    "uvloop.loop",
)
LONGEST_ORDER = 150_000
STANDARD_FILES = 3


def main(file: int) -> None:
    """Serve orders until nobody gives any; in the processes that come out of it: be the program."""
    _import_all()
    # Ctrl-C at the terminal is for whoever runs the tests; the end of the socket follows from it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=file) as orders:
        program = _next_program(orders)
    if program is not None:
        _become(*program)


def _next_program(orders: socket.socket) -> tuple[dict[str, Any], Sequence[int]] | None:
    """Returns in each process that is forked off, with its order and files; and, with None, at the end."""
    while True:
        text, files, _, _ = socket.recv_fds(orders, LONGEST_ORDER, STANDARD_FILES)
        if not text:
            return None
        order = json.loads(text)
        if "ended" in order:
            orders.send(json.dumps(os.waitpid(order["ended"], 0)[1]).encode())
            continue
        pid = os.fork()
        if pid == 0:
            return order, files
        for one in files:
            os.close(one)
        orders.send(json.dumps(pid).encode())


def _import_all() -> None:
    gc.disable()
    for name in PRELOADED:
        import_module(name)
    # What is here stays in every process: no collection need walk through it, nor make pages of its own of it.
    gc.collect()
    gc.freeze()
    gc.enable()


def _become(order: Mapping[str, Any], files: Sequence[int]) -> None:
    """As `python -m module arguments` does, up to how it ends."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for standard, file in enumerate(files):
        os.dup2(file, standard)
        os.close(file)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    # Asked for without buffers, what is printed at least leaves with each line.
    sys.stdout.reconfigure(line_buffering=bool(os.environ.get("PYTHONUNBUFFERED")))  # type: ignore[union-attr]  # a text stream
    status = _run(order["module"], order["arguments"])
    # Not the interpreter's own way out, which takes every module apart first.
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def _run(module: str, arguments: Sequence[str]) -> int:
    """The exit status."""
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return _status(end.code)
    except KeyboardInterrupt:
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # noqa: BLE001 - here the interpreter itself would be
        traceback.print_exc()
        return 1
    return 0


def _status(code: Any) -> int:
    """What `sys.exit(code)` means."""
    if code is None or isinstance(code, int):
        return code or 0
    sys.stderr.write(f"{code}\n")
    return 1


if __name__ == "__main__":
    main(int(sys.argv[1]))
