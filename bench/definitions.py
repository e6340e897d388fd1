"""What locking definitions costs: loading many, asking on every call, judging a list, checking arguments, masking; and how well
suspicious texts are told. `python -m bench.definitions`.

CPU time, best of some rounds. Promised: 20,000 definitions loaded in 2 s; a question 1 µs, arguments of a small call 5 µs; of the
malicious texts in the tests 95 % found, of the honest ones 2 % suspected.
"""

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.figures import print_table
from tests.unit.registry.definitions.reading_corpus import read_corpus

from mcp_gateway.adapters.sql.definitions import SqlDefinitions
from mcp_gateway.adapters.sql.engine import open_store
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.guard.arguments import ArgumentChecks
from mcp_gateway.federation.guard.masking import FINDERS, mask
from mcp_gateway.registry.definitions.compare import compare
from mcp_gateway.registry.definitions.definitions import Definitions
from mcp_gateway.registry.definitions.findings import is_suspicious
from mcp_gateway.registry.definitions.fingerprint import fingerprint
from mcp_gateway.registry.definitions.suspicious import find_suspicious
from mcp_gateway.registry.model import Server

SERVERS, TOOLS = 1_000, 20
ROUNDS = 5
LOAD_SECONDS, ASK_MICROSECONDS, CHECK_MICROSECONDS = 2.0, 1.0, 5.0
FOUND, SUSPECTED = 0.95, 0.02
CALL: JsonObject = {"query": "open issues of this week", "limit": 20, "labels": ["bug", "urgent"]}


def tool(number: int) -> JsonObject:
    """About 900 bytes, as such definitions are."""
    return {
        "name": f"search_issues_{number}",
        "title": "Search issues",
        "description": f"Search the issues of repository {number}. Gives the newest first, at most `limit` of them. "
        "Use labels to narrow the search, and the query language of the tracker for everything else.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "query": {
                    "type": "string",
                    "description": "What to look for, in the tracker's query language.",
                    "maxLength": 500,
                },
                "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20, "description": "How many at most."},
                "labels": {"type": "array", "items": {"type": "string"}, "description": "Only issues with all of these."},
                "state": {"type": "string", "enum": ["open", "closed", "all"], "description": "Their state."},
            },
            "required": ["query"],
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": True, "openWorldHint": True},
    }


def microseconds(work: Callable[[], object], times: int) -> float:
    """CPU per call, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - started) / times * 1e6)
    return best


def resident_bytes() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


async def measure_loading() -> bool:
    """From the store of a gateway that knows many servers."""
    clock, lists = SystemClock(), [tool(number) for number in range(TOOLS)]
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(f"sqlite:///{folder}/store.db") as engine:
            filling = Definitions(SqlDefinitions(engine), clock)
            begun = time.process_time()
            for number in range(SERVERS):
                await filling.observe(Server(name=f"server-{number}"), "tools", lists)
            filled = time.process_time() - begun
            del filling
            gc.collect()
            before, begun = resident_bytes(), time.process_time()
            definitions = Definitions(SqlDefinitions(engine), clock)
            await definitions.reload()
            loaded = time.process_time() - begun
            gc.collect()
            held = resident_bytes() - before
    count = SERVERS * TOOLS
    asked = microseconds(lambda: definitions.standing("server-500", "search_issues_7"), 100_000)
    offered = microseconds(lambda: definitions.offered("server-500", lists), 200)
    rows = [
        ("seen first, each", f"{filled / count * 1e6:,.0f} µs"),
        (f"{count:,} loaded", f"{loaded:.2f} s"),
        ("memory, each", f"{held / count / 1024:.1f} kB"),
        ("asked on a call", f"{asked:.2f} µs"),
        (f"a list of {TOOLS} filtered", f"{offered:,.0f} µs"),
    ]
    print_table("Definitions", ("", "takes"), rows)
    return loaded <= LOAD_SECONDS and asked <= ASK_MICROSECONDS


def measure_judging() -> bool:
    one, other = tool(1), {**tool(1), "description": "Search the issues."}
    checks, key = ArgumentChecks(), fingerprint(one)
    checked = microseconds(lambda: checks.check(key, one, CALL), 50_000)
    rows = [
        ("fingerprint", f"{microseconds(lambda: fingerprint(one), 10_000):.1f} µs"),
        ("texts looked at", f"{microseconds(lambda: find_suspicious(one), 500):,.0f} µs"),
        ("compared with another", f"{microseconds(lambda: compare('tools', one, other), 200):,.0f} µs"),
        ("arguments checked", f"{checked:.2f} µs"),
    ]
    print_table("One definition of 900 bytes", ("", "takes"), rows)
    return checked <= CHECK_MICROSECONDS


def measure_masking() -> None:
    kinds, words = frozenset(FINDERS), "A quite common line of words about the weather. "
    rows = []
    for name, text in (
        ("nothing in it, 100 bytes", words),
        ("an address in it, 100 bytes", "Write to ann@example.com about the weather."),
        ("nothing in it, 1 MB", words * 20_000),
        ("words like key and token, 1 MB", "The key is to keep the token count low. " * 25_000),
    ):
        message = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": text}]}}).encode()
        took = microseconds(lambda message=message: mask(message, kinds), max(1, 200_000 // len(message)))  # type: ignore[misc]  # bound now
        rows.append((name, f"{took:,.0f} µs"))
    print_table("Answers masked", ("", "takes"), rows)


def measure_texts() -> bool:
    malicious, honest = list(read_corpus("malicious")), list(read_corpus("benign"))
    missed = [one.title for one in malicious if not is_suspicious(find_suspicious(one.tool))]
    suspected = [one.title for one in honest if is_suspicious(find_suspicious(one.tool))]
    found, wrong = 1 - len(missed) / len(malicious), len(suspected) / len(honest)
    rows = [
        (f"malicious, {len(malicious)}", f"{found:.1%} found", ", ".join(missed) or "-"),
        (f"honest, {len(honest)}", f"{wrong:.1%} suspected", ", ".join(suspected) or "-"),
    ]
    print_table("Texts", ("", "judged", "wrongly"), rows)
    return found >= FOUND and wrong <= SUSPECTED


def main() -> int:
    kept = [asyncio.run(measure_loading()), measure_judging(), measure_texts()]
    measure_masking()
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
