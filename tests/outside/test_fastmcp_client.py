"""FastMCP's client, from an environment of its own. Skipped where it cannot be installed."""

import json
import subprocess
from pathlib import Path

import pytest
from bench.gateway.rig import fastmcp_python

SECONDS = 60
SCRIPT = """
import asyncio, json, sys
from fastmcp import Client

async def elicit(message, response_type, params, context):
    return {"name": "Ada"}

async def sample(messages, params, context):
    return "Paris"

async def main():
    async with Client(sys.argv[1], elicitation_handler=elicit, sampling_handler=sample) as client:
        tools = [tool.name for tool in await client.list_tools()]
        told = await client.call_tool("probe_echo", {"value": [1, "two"]})
        read = await client.read_resource("test://static-text")
        prompt = await client.get_prompt("test_prompt_with_arguments", {"arg1": "a", "arg2": "b"})
        asked = await client.call_tool("test_sampling", {"prompt": "?"})
        print(json.dumps({
            "tools": tools, "told": told.structured_content, "read": read[0].text,
            "prompt": prompt.messages[0].content.text, "asked": asked.content[0].text,
        }))

asyncio.run(main())
"""


@pytest.fixture(scope="session")
def python() -> Path:
    found = fastmcp_python()
    if found is None:
        pytest.skip("FastMCP cannot be installed: it needs uv and a package index once")
    return found


def test_it_lists_calls_reads_and_answers(python: Path, endpoint: str) -> None:
    done = subprocess.run([str(python), "-c", SCRIPT, endpoint], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert {"probe_echo", "ask"} <= set(found["tools"])
    assert found["told"] == {"value": [1, "two"]}
    assert "static text resource" in found["read"]
    assert "arg1='a'" in found["prompt"]
    assert "Paris" in found["asked"]
