"""Schemathesis against generated routers: whatever fits their description, or nearly does, gets an answer that it foretells.

Routers of one type are served together, some dozens in one application; what is found is told by the address it was found at.
"""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.processes import free_port
from bench.routes.checking import run

from mcp_gateway.kit.routes.generate import Generated
from mcp_gateway.kit.routes.order import ROUTER_TYPES

TOGETHER = 31
EXAMPLES = 10
STARTING_SECONDS = 60.0
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
_FOUND = re.compile(r"/api/([a-z0-9-]+)/")


def server_faults(root: Path, made: list[Generated], store: str) -> list[str]:
    """Names of routers at which something was found, with what it was in short."""
    faults: dict[str, str] = {}
    for router_type in ROUTER_TYPES:
        of_type = [one.order.names.module for one in made if one.order.router_type == router_type]
        for start in range(0, len(of_type), TOGETHER):
            faults |= _found_at(root, of_type[start : start + TOGETHER], store)
    return [f"{name}: {what}" for name, what in sorted(faults.items())]


def _found_at(root: Path, modules: list[str], store: str) -> dict[str, str]:
    with _serving(root, modules, store) as url:
        done = run(
            root,
            *("schemathesis", "run", f"{url}/openapi.json", "--checks", CHECKS, "--phases", "examples,fuzzing"),
            *("--max-examples", str(EXAMPLES), "--seed", "1", "--no-color", "--no-shrink", "--workers", "1"),
            *("--generation-database", "none", "--warnings", "off", "--request-timeout", "20", "--continue-on-failure"),
            *("-H", "Authorization: Bearer acme", "--include-path-regex", "^/api/"),
        )
    (root / f"schemathesis-{modules[0]}.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode == 0:
        return {}
    told = done.stdout.partition("= FAILURES =")[2] or done.stdout[-2_000:]
    if not _FOUND.search(told):
        return {modules[0]: f"Schemathesis ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}"}
    found: dict[str, str] = {}
    for block in re.split(r"\n_{5,} ", told):
        match = _FOUND.search(block)
        if match:
            what = next((line.strip("- ").strip() for line in block.splitlines() if line.startswith("- ")), "")
            found.setdefault(match[1].replace("-", "_"), what)
    return found


@contextlib.contextmanager
def _serving(root: Path, modules: list[str], store: str) -> Iterator[str]:
    port = free_port()
    words = [sys.executable, "-m", "bench.routes.served", str(port), store, os.fspath(root), *modules]
    with (root / "served.log").open("ab") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)  # noqa: S603  (our own command)
        try:
            if not _answers(process, port):
                raise RuntimeError((root / "served.log").read_text(encoding="utf-8")[-2_000:])
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(process: "subprocess.Popen[bytes]", port: int) -> bool:
    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        time.sleep(0.2)
    return False
