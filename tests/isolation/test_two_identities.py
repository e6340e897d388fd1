"""Two people at work at once, in every pairing of eras: nobody ever sees what is the other's.

The upstream says in every answer whose it is, and keeps sessions that are of one caller each. What an answer holds that is not
its caller's own is a leak, whether it came out of a cache, a pool of sessions, a shared request or a stream of changes.
"""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from tests.depth import examples
from tests.mcp_over_http import ModernClient, OlderClient
from tests.programs import Program, gateway, module, token

PEOPLE = ("aquila", "boreas")
HANDS_OF_EACH = 4
TURNS = examples(10)
CLIENTS = {"newest": ModernClient, "older": OlderClient}
ERAS = ("modern", "legacy")


@dataclass(frozen=True, kw_only=True)
class World:
    gateway: Program
    upstreams: dict[str, Program]
    tokens: dict[str, str]

    def url(self, era: str, *, one_endpoint: bool) -> str:
        return f"{self.gateway.url}/mcp" if one_endpoint else f"{self.gateway.url}/servers/{era}/mcp"

    def counts(self, era: str) -> dict[str, int]:
        found: dict[str, int] = httpx2.get(f"{self.upstreams[era].url}/counts").json()
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("identities")
    with (
        module("tests.upstreams.identities", "--era", "modern", ready="/counts") as modern,
        module("tests.upstreams.identities", "--era", "legacy", ready="/counts") as legacy,
    ):
        upstreams = {"modern": modern, "legacy": legacy}
        servers = {era: _server(era, one) for era, one in upstreams.items()}
        with gateway(folder, servers, environment={"LOGIN": "required"}) as program:
            tokens = {who: token(program, subject=who, role="admin") for who in PEOPLE}
            yield World(gateway=program, upstreams=upstreams, tokens=tokens)


def _server(era: str, upstream: Program) -> dict[str, object]:
    """Everybody has tools of their own there, so what one has not seen yet is nothing to wait for."""
    exchanged = {"kind": "token_exchange", "token_url": f"{upstream.url}/token", "client_id": "gateway", "secret": "known"}
    return {"url": f"{upstream.url}/mcp", "prefix": f"{era}_", "credential": exchanged, "drift": "pass"}


@pytest.mark.parametrize("one_endpoint", [True, False], ids=["one endpoint", "one server"])
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("client", CLIENTS)
def test_nobody_sees_what_is_anothers(world: World, client: str, era: str, *, one_endpoint: bool) -> None:
    start = threading.Barrier(len(PEOPLE) * HANDS_OF_EACH)
    prefix = f"{era}_" if one_endpoint else ""

    def work(who: str) -> list[str]:
        """Answers that do not speak of this caller alone, or failed."""
        other = next(one for one in PEOPLE if one != who)
        wrong = []
        with CLIENTS[client](world.url(era, one_endpoint=one_endpoint), world.tokens[who]) as mine:
            start.wait(60)
            for _ in range(TURNS):
                listed = mine.request("tools/list")
                called = mine.call(f"{prefix}whoami")
                found = [listed, called, mine.request("resources/read", {"uri": "who://me"}) if not one_endpoint else called]
                texts = [json.dumps(one.response) for one in found]
                wrong += [text for text in texts if other in text or who not in text]
        return wrong

    with ThreadPoolExecutor(len(PEOPLE) * HANDS_OF_EACH) as pool:
        leaks = [leak for found in pool.map(work, PEOPLE * HANDS_OF_EACH) for leak in found]
    assert not leaks, leaks[:3]
    assert world.counts(era).get("thefts", 0) == 0


def test_what_is_kept_is_kept_for_one_caller(world: World) -> None:
    """The lists are asked for once for each of them, and no more: they are private, and still fresh."""
    for _ in range(5):
        for who in PEOPLE:
            with ModernClient(world.url("modern", one_endpoint=False), world.tokens[who]) as client:
                assert f"only_{who}" in client.tools()
    before = world.counts("modern")["tools/list"]
    for who in PEOPLE * 5:
        with ModernClient(world.url("modern", one_endpoint=False), world.tokens[who]) as client:
            assert f"only_{who}" in client.tools()
    assert world.counts("modern")["tools/list"] == before


@pytest.mark.parametrize("era", ERAS)
def test_nobody_hears_what_is_told_to_another(world: World, era: str) -> None:
    heard: dict[str, list[str]] = {who: [] for who in PEOPLE}
    ready, ended = threading.Barrier(len(PEOPLE) + 1), threading.Event()

    def listen(who: str) -> None:
        url = world.url(era, one_endpoint=False)
        with ModernClient(url, world.tokens[who]) as client:
            wanted = {"toolsListChanged": True, "resourceSubscriptions": [f"who://{one}" for one in PEOPLE]}
            message, headers = client.message("subscriptions/listen", {"notifications": wanted})
            with client.http.stream("POST", url, json=message, headers=headers) as answer:
                lines = answer.iter_lines()
                assert any("acknowledged" in line for line in lines)
                ready.wait(30)
                for line in lines:
                    if line.startswith("data:"):
                        heard[who].append(line)
                    if any("who://" in text for text in heard[who]) or ended.is_set():
                        return

    threads = [threading.Thread(target=listen, args=(who,), daemon=True) for who in PEOPLE]
    for thread in threads:
        thread.start()
    ready.wait(30)
    with ModernClient(world.url(era, one_endpoint=False), world.tokens["aquila"]) as aquila:
        aquila.call("announce")
    threads[0].join(15)
    assert any("who://aquila" in line for line in heard["aquila"]), heard
    with ModernClient(world.url(era, one_endpoint=False), world.tokens["boreas"]) as boreas:
        boreas.call("announce")
    threads[1].join(15)
    assert any("who://boreas" in line for line in heard["boreas"]), heard
    assert not [line for line in heard["boreas"] if "aquila" in line]
    ended.set()
