"""`python -m tests.warm.server FD ADDRESS`: a process that has imported the product and forks off Python programs on order.

Importing the product takes two seconds of a processor, and so does taking it apart at the end; a fork has neither. Every program
is still a process of its own, with its own environment, folder, files and signals. Commands come over the socket `FD`; it ends
with the socket. At the Unix address `ADDRESS` it does the work of programs that somebody else started: `warm.borrowed`.
"""

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeAlias

# What it is to be, its three streams, and who lends them.
_Program: TypeAlias = tuple[dict[str, Any], Sequence[int], socket.socket | None]

# What the programs of the tests import, some of it once they run. Not the modules they are run as: those are executed afresh.
PRELOADED = (
    "aiosqlite",
    "anyio._backends._asyncio",
    "fastapi.telemetry._runtime",
    "httpcore2",
    "mcp_gateway.adapters.sql.migrations.upgrade",
    "mcp_gateway.cli.demo",
    "mcp_gateway.cli.serve",
    "mcp_gateway.cli.glossary",
    "mcp_gateway.cli.tables",
    "mcp_gateway.cli.tools",
    "mcp_gateway.cli.tokens",
    "mcp_gateway.cli.audit",
    "mcp.server.sse",
    "mcp.server.stdio",
    "mcp.server.streamable_http_manager",
    "pydantic.v1",
    "sqlglot.dialects.duckdb",
    "sqlglot.dialects.postgres",
    "sqlglot.dialects.sqlite",
    "tests.prompt_server",
    "tests.upstreams.conformance.server",
    "tests.upstreams.scripted_http",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
    "uvloop.loop",
)
LONGEST_ORDER = 150_000
STANDARD_FILES = 3


def main(file: int, address: str) -> None:
    """Serve orders until nobody gives any; in the processes that come out of it: be the program."""
    _import_all()
    # Ctrl-C at the terminal is for whoever runs the tests; the end of the socket follows from it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=file) as orders, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(address)
        door.listen(64)
        program = _next_program(orders, door)
    if program is not None:
        _become(*program)


def _next_program(orders: socket.socket, door: socket.socket) -> _Program | None:
    """Returns in each process that is forked off, with its order, files and lender; and, with None, at the end."""
    lent: set[int] = set()
    while True:
        ready, _, _ = select.select([orders, door], [], [])
        if door in ready:
            line, _ = door.accept()
            with line:
                order, files = _received(line)
                # Whoever ended already wants nothing more.
                if order:
                    lent.add(os.fork())
                    if 0 in lent:
                        return order, files, line.dup()
                _close(files)
            lent = {pid for pid in lent if os.waitpid(pid, os.WNOHANG) == (0, 0)}
            continue
        order, files = _received(orders)
        if not order:
            return None
        if "open" in order:
            orders.send(b"0")
            continue
        if "ended" in order:
            orders.send(json.dumps(os.waitpid(order["ended"], 0)[1]).encode())
            continue
        pid = os.fork()
        if pid == 0:
            return order, files, None
        _close(files)
        orders.send(json.dumps(pid).encode())


def _received(line: socket.socket) -> tuple[dict[str, Any], Sequence[int]]:
    """Nothing where nobody speaks any more."""
    text, files, _, _ = socket.recv_fds(line, LONGEST_ORDER, STANDARD_FILES)
    return json.loads(text or b"{}"), files


def _close(files: Sequence[int]) -> None:
    for one in files:
        os.close(one)


def _import_all() -> None:
    gc.disable()
    for name in PRELOADED:
        import_module(name)
    # What is here stays in every process: no collection need walk through it, nor make pages of its own of it.
    gc.collect()
    gc.freeze()
    gc.enable()


def _become(order: Mapping[str, Any], files: Sequence[int], lender: socket.socket | None) -> None:
    """As `python -m module arguments` does, up to how it ends."""
    if lender is not None:
        threading.Thread(target=_end_with, args=(lender,), daemon=True).start()
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
    if lender is not None:
        with suppress(OSError):
            lender.send(bytes([status & 255]))
    os._exit(status)


def _end_with(lender: socket.socket) -> None:
    """Nothing is ever said to the program, so this waits for the end of the process that lent its streams."""
    lender.recv(1)
    os._exit(1)


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
    main(int(sys.argv[1]), sys.argv[2])
