"""Only what the present diagnosis recommends is carried out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.unit.diagnostics.actions.test_applying import Book, Breaker
from tests.unit.diagnostics.causes.looks import NOW, Looks, healthy

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.diagnostics.actions.applying import Applying
from mcp_gateway.diagnostics.actions.mending import Mending
from mcp_gateway.diagnostics.errors import NotRecommended, RemedyUnderWay, UnknownRemedy
from mcp_gateway.diagnostics.ports import Deployment
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Action

pytestmark = pytest.mark.anyio
RELEASE = {"breaker": "engine"}


class HeldOpen:
    """A circuit that is held open until the breaker behind it is released."""

    def __init__(self, breaker: Breaker, afterwards: Looks | None = None) -> None:
        self._breaker, self._afterwards = breaker, healthy() if afterwards is None else afterwards

    async def observe(self, *, window_seconds: float, whole: bool = True) -> Window:
        return held_open().window() if self._breaker.forced else self._afterwards.window()


def held_open() -> Looks:
    looks = healthy().gauge("gateway.breaker_state", 0.0, 2.0, breaker="engine")
    return looks.count("gateway.breaker_calls_total", 0, 300, breaker="engine", outcome="refused")


class OneTurn:
    """Taken, or not; nobody waits for it."""

    def __init__(self) -> None:
        self.taken = False

    @asynccontextmanager
    async def turn(self, _: Action) -> AsyncIterator[None]:
        if self.taken:
            raise RemedyUnderWay
        self.taken = True
        yield
        self.taken = False


def mending(breaker: Breaker, book: Book, *, afterwards: Looks | None = None) -> Mending:
    applying = Applying(
        operators={"release_breaker": breaker},
        trail=book,
        clock=FixedClock(NOW),
        secret=b"k" * 32,
        within_seconds=0,
        every_seconds=0,
    )
    return Mending(observer=HeldOpen(breaker, afterwards), deployment=Deployment(), applying=applying, turns=OneTurn())


async def test_a_recommended_remedy_is_previewed_carried_out_and_seen_to_help() -> None:
    breaker, book = Breaker(), Book()
    use = mending(breaker, book)
    preview = await use.preview("release_breaker", RELEASE)
    done = await use.mend(LOCAL_CALLER, "release_breaker", RELEASE, token=preview.token)
    assert (done.helped, breaker.forced) == (True, False)
    assert [step.name for step in book.steps] == ["begun", "carried_out", "helped"]


@pytest.mark.parametrize(
    "afterwards",
    [Looks(), healthy().count("upstream.calls_total", 0, 600, upstream="engine", outcome="http_5xx")],
    ids=["nothing can be read any more", "another cause stands now"],
)
async def test_a_cause_that_is_not_seen_any_more_is_not_gone_until_what_is_read_rules_it_out(afterwards: Looks) -> None:
    breaker, book = Breaker(), Book()
    use = mending(breaker, book, afterwards=afterwards)
    preview = await use.preview("release_breaker", RELEASE)
    done = await use.mend(LOCAL_CALLER, "release_breaker", RELEASE, token=preview.token)
    assert (done.helped, done.undone, breaker.forced) == (False, True, True)
    assert book.names == ["begun", "carried_out", "did_not_help", "undone"]


async def test_what_is_not_recommended_now_is_refused() -> None:
    breaker = Breaker()
    use = mending(breaker, Book())
    with pytest.raises(NotRecommended, match=r"with other targets\. Recommended now: release_breaker breaker=engine"):
        await use.preview("release_breaker", {"breaker": "another"})
    with pytest.raises(NotRecommended, match=r"nothing that is seen now asks for it\. Recommended now: rel"):
        await use.preview("load_scripts", {})
    with pytest.raises(UnknownRemedy):
        await use.preview("flush_everything", {})
    with pytest.raises(InvalidInput, match="takes breaker=VALUE"):
        await use.preview("release_breaker", {"name": "engine"})
    token = (await use.preview("release_breaker", RELEASE)).token
    breaker.forced = False
    with pytest.raises(NotRecommended, match="Nothing is recommended now"):
        await use.mend(LOCAL_CALLER, "release_breaker", RELEASE, token=token)


async def test_another_remedys_token_is_refused() -> None:
    breaker = Breaker()
    use = mending(breaker, Book())
    with pytest.raises(InvalidInput):
        await use.mend(LOCAL_CALLER, "release_breaker", RELEASE, token="0" * 32)
    assert breaker.forced


async def test_one_remedy_at_a_time() -> None:
    breaker, book = Breaker(), Book()
    use = mending(breaker, book)
    token = (await use.preview("release_breaker", RELEASE)).token
    breaker.go_on.clear()
    first = asyncio.ensure_future(use.mend(LOCAL_CALLER, "release_breaker", RELEASE, token=token))
    await breaker.changing.wait()
    with pytest.raises(RemedyUnderWay):
        await use.mend(LOCAL_CALLER, "release_breaker", RELEASE, token=token)
    breaker.go_on.set()
    assert (await first).helped
    assert book.names == ["begun", "carried_out", "helped"]
