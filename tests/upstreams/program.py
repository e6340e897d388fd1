"""A server of 2025-11-25 over stdio, with the standard library alone, that behaves as badly as it is told: each tool is a fault.

`python -I -S program.py [--garbage] [--deaf] [--mute]`
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

SLEEP = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-I",
    "-S",
    "-c",
    "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
]
counted = 0


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def echo(arguments: dict[str, Any]) -> object:
    return arguments


def count(_: dict[str, Any]) -> object:
    global counted  # noqa: PLW0603 - what the test is about is that this is kept
    counted += 1
    return counted


def process(_: dict[str, Any]) -> object:
    return os.getpid()


def surroundings(_: dict[str, Any]) -> object:
    return {"environment": dict(os.environ), "directory": os.getcwd(), "arguments": sys.argv[1:]}  # noqa: PTH109 - as it is


def crash(_: dict[str, Any]) -> object:
    os._exit(3)


def hang(_: dict[str, Any]) -> object:
    time.sleep(600)
    return None


def flood(arguments: dict[str, Any]) -> object:
    for number in range(int(arguments["lines"])):
        say({"method": "notifications/progress", "params": {"progressToken": "p", "progress": number, "message": "x" * 500}})
    return "flooded"


def long_line(arguments: dict[str, Any]) -> object:
    for _ in range(int(arguments["megabytes"])):
        sys.stdout.write("x" * 1024 * 1024)
    sys.stdout.flush()
    return "long"


def murmur(arguments: dict[str, Any]) -> object:
    for _ in range(int(arguments["lines"])):
        sys.stderr.write(str(arguments["text"]) + "\n")
    sys.stderr.flush()
    return "said"


def fork(_: dict[str, Any]) -> object:
    """One child as any, one that leaves group and session, one that will not be told to end."""
    plain = subprocess.Popen(SLEEP, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    apart = subprocess.Popen(SLEEP, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    stubborn = subprocess.Popen(STUBBORN, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return [os.getpid(), plain.pid, apart.pid, stubborn.pid]


def kill_guardian(arguments: dict[str, Any]) -> object:
    """Whoever watches over it; `outlive`: it sees to it that it does not end with that one."""
    if arguments["outlive"]:
        ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)
    return None


def fill(arguments: dict[str, Any]) -> object:
    held = bytearray(int(arguments["megabytes"]) * 1024 * 1024)
    held[::4096] = b"x" * len(held[::4096])
    time.sleep(600)
    return len(held)


TOOLS: dict[str, Callable[[dict[str, Any]], object]] = {
    tool.__name__: tool
    for tool in (echo, count, process, surroundings, crash, hang, flood, long_line, murmur, fork, fill, kill_guardian)
}


def answer(message: dict[str, Any]) -> dict[str, Any]:
    params = message.get("params", {})
    if message["method"] == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "program", "version": "1"},
        }
    if message["method"] == "tools/list":
        return {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]}
    told = TOOLS[params["name"]](params.get("arguments", {}))
    return {"content": [{"type": "text", "text": json.dumps(told)}]}


def main() -> None:
    if "--deaf" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "--garbage" in sys.argv:
        sys.stdout.write('Loading model…\n\n[1, 2]\n{"half": \n{"jsonrpc": "1.0"}\n{}\n')
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message and "method" in message and "--mute" not in sys.argv:
            say({"id": message["id"], "result": answer(message)})
    while "--deaf" in sys.argv:
        time.sleep(1)


if __name__ == "__main__":
    main()
