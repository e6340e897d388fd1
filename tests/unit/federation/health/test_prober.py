"""What a look at a server finds, and what is done when it is back."""

from datetime import UTC, datetime

import pytest
from tests.upstreams.still import StillLink

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.revisions import Era
from mcp_gateway.federation.errors import UpstreamUnreachable
from mcp_gateway.federation.health.history import HealthHistory
from mcp_gateway.federation.health.prober import DOWN_SECONDS, Noticing, Prober
from mcp_gateway.federation.model import Client, Reply, Request, UpstreamFacts
from mcp_gateway.kit.figures import RecordedFigures

pytestmark = pytest.mark.anyio
GATEWAY = Client(caller=Caller(tenant="", subject="gateway"))


class AskedLink(StillLink):
    def __init__(self, era: Era) -> None:
        super().__init__("shop")
        self.era: Era = era
        self.fault: Exception | None = None
        self.asked: list[str] = []
        self.body = b"{}"

    async def facts(self, client: Client) -> UpstreamFacts:
        if self.fault is not None:
            raise self.fault
        return UpstreamFacts(era=self.era, revision="r", supported=("r",), capabilities={}, info={})

    async def send(self, request: Request) -> Reply:
        self.asked.append(request.method)
        return Reply(body=self.body)


class World:
    def __init__(self, era: Era = "modern") -> None:
        self.link = AskedLink(era)
        self.back: list[str] = []
        self.known: list[tuple[str, Era]] = []
        self.history = HealthHistory()
        self.figures = RecordedFigures()
        self.prober = Prober(
            link_of={"shop": self.link}.get,
            gateway=GATEWAY,
            history=self.history,
            clock=FixedClock(datetime(2026, 1, 1, tzinfo=UTC)),
            spread=lambda: 0.5,
            noticing=Noticing(
                on_recovery=self.back.append,
                on_facts=lambda server, facts: self.known.append((server, facts.era)),
            ),
            figures=self.figures,
        )


@pytest.mark.parametrize(("era", "method"), [("modern", "server/discover"), ("legacy", "ping")])
async def test_each_era_is_asked_in_its_own_words(era: Era, method: str) -> None:
    world = World(era)
    for _ in range(2):  # the first time what it says of itself is answer enough
        assert await world.prober.probe("shop") is None
    assert world.link.asked == [method]
    health = world.history.of("shop")
    assert (health.condition, health.era, health.revision) == ("up", era, "r")
    assert world.known == [("shop", era)] * 2


async def test_a_server_that_is_down_is_looked_at_sooner_and_told_of_when_it_is_back() -> None:
    world = World()
    world.link.fault = UpstreamUnreachable(server="shop")
    assert await world.prober.probe("shop") == DOWN_SECONDS
    assert (world.history.of("shop").condition, world.history.of("shop").code) == ("down", "UPSTREAM_UNREACHABLE")
    assert world.back == []
    assert world.figures.total("mcp_server_up", server="shop") == 0
    world.link.fault = None
    await world.prober.probe("shop")
    await world.prober.probe("shop")
    assert world.history.of("shop").condition == "up"
    assert world.figures.total("mcp_server_up", server="shop") == 1
    assert world.back == ["shop"]


async def test_an_empty_answer_is_none() -> None:
    world = World()
    await world.prober.probe("shop")
    world.link.body = b""
    await world.prober.probe("shop")
    assert world.history.of("shop").code == "UPSTREAM_MISBEHAVED"


async def test_a_server_that_is_gone_leaves_no_trace() -> None:
    world = World()
    await world.prober.probe("nobody")
    assert world.history.all() == {}
