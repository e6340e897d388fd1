"""The glossary server as a client sees it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextResourceContents

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.vocabulary_documents import from_documents
from mcp_gateway.entrypoints.mcp.glossary import build_glossary_server
from mcp_gateway.glossary.current import Glossary
from mcp_gateway.glossary.load import parse_glossary

pytestmark = pytest.mark.anyio

ERAS = ("legacy", "auto")
WORDS = """
entities: [{kind: product, label: Magic Wand Pro, table: products, column: id, value: 123, aliases: [abracadabra, techgadget]}]
terms: [{aliases: [turnover], table: sales, column: amount}]
metrics: [{name: revenue, table: sales, expression: SUM(sales.amount)}]
periods: [{aliases: [today], start: CURRENT_DATE, end: CURRENT_DATE + INTERVAL '1' DAY}]
"""


@asynccontextmanager
async def asked(file: Path, era: str) -> AsyncIterator[Client]:
    save(file, WORDS)
    glossary = Glossary(file, FixedClock(datetime(2026, 11, 21, tzinfo=UTC)))
    await glossary.open()
    async with Client(build_glossary_server(glossary).server, mode=era, cache=None) as client:
        yield client


def save(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


async def read(client: Client, uri: str) -> dict[str, Any]:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    return dict(json.loads(content.text))


@pytest.mark.parametrize("era", ERAS)
async def test_the_resources_give_back_every_word_of_the_file(tmp_path: Path, era: str) -> None:
    async with asked(tmp_path / "words.yaml", era) as client:
        uris = [resource.uri for resource in (await client.list_resources()).resources]
        documents = {uri: await read(client, uri) for uri in uris}
    edition = parse_glossary(Path("words.yaml"), WORDS.encode())
    assert from_documents(documents) == edition.vocabulary
    assert {document["version"] for document in documents.values()} == {edition.version}


@pytest.mark.parametrize("era", ERAS)
async def test_an_edit_is_in_the_next_reading(tmp_path: Path, era: str) -> None:
    file = tmp_path / "words.yaml"
    async with asked(file, era) as client:
        before = await read(client, "glossary://terms")
        save(file, WORDS.replace("turnover", "takings"))
        after = await read(client, "glossary://terms")
    assert (before["terms"][0]["aliases"], after["terms"][0]["aliases"]) == (["turnover"], ["takings"])
    assert before["version"] != after["version"]


async def test_the_status_names_the_faults_while_the_last_good_words_stay(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    async with asked(file, "auto") as client:
        good = await read(client, "glossary://status")
        save(file, "terms:\n  - aliases: [a]\n")
        words, broken = await read(client, "glossary://terms"), await read(client, "glossary://status")
    assert (good["in_order"], good["counts"]) == (True, {"entities": 1, "terms": 1, "metrics": 1, "periods": 1})
    assert (broken["in_order"], broken["version"]) == (False, good["version"])
    assert broken["faults"] == [{"line": 2, "key": "terms[0].table", "problem": "is missing", "fix": "Add `table: ...`."}]
    assert words["terms"][0]["aliases"] == ["turnover"]


async def test_a_client_is_told_how_soon_it_must_look_again(tmp_path: Path) -> None:
    async with asked(tmp_path / "words.yaml", "auto") as client:
        assert (await client.read_resource("glossary://terms")).ttl_ms == 250


@pytest.mark.parametrize("era", ERAS)
async def test_a_word_is_looked_up_however_it_is_spelled(tmp_path: Path, era: str) -> None:
    async with asked(tmp_path / "words.yaml", era) as client:
        found = await client.call_tool("lookup_term", {"term": "Abracadabr"})
        nothing = await client.call_tool("lookup_term", {"term": "zeppelin"})
    (meaning,) = found.structured_content["matches"]
    assert (meaning["kind"], meaning["word"], meaning["item"]["value"]) == ("entity", "abracadabra", 123)
    assert nothing.structured_content["matches"] == []
