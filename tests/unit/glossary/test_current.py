"""An edited file is in use at once; a broken one changes nothing but the status."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.glossary.current import Glossary
from mcp_gateway.glossary.errors import BadGlossaryFile
from mcp_gateway.glossary.model import GlossaryState

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def words(*aliases: str) -> str:
    return f"terms: [{{aliases: [{', '.join(aliases)}], table: sales}}]"


def aliases_in(state: GlossaryState) -> tuple[str, ...]:
    return state.edition.vocabulary.terms[0].aliases


def write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


async def opened(file: Path, text: str, clock: FixedClock | None = None) -> Glossary:
    write(file, text)
    glossary = Glossary(file, clock or FixedClock(START))
    await glossary.open()
    return glossary


async def test_an_edit_is_in_use_with_the_next_answer(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    clock = FixedClock(START)
    glossary = await opened(file, words("turnover"), clock)
    before = await glossary.current()
    clock.advance(60)
    write(file, words("takings"))
    after = await glossary.current()
    assert (aliases_in(before), aliases_in(after)) == (("turnover",), ("takings",))
    assert before.edition.version != after.edition.version
    assert (before.since, after.since) == (START, START + timedelta(seconds=60))


async def test_an_edit_of_the_same_size_at_the_same_moment_is_not_missed(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    glossary = await opened(file, words("aaa"))
    await glossary.current()
    stamp = file.stat()
    write(file, words("bbb"))
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert aliases_in(await glossary.current()) == ("bbb",)


async def test_an_untouched_file_gives_the_very_same_edition(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    glossary = await opened(file, words("turnover"))
    before = await glossary.current()
    file.touch()
    assert await glossary.current() is before


async def test_a_broken_file_keeps_the_last_good_words_and_says_which_line(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    glossary = await opened(file, words("turnover"))
    write(file, "terms:\n  - aliases: [x]\n")
    with capture_logs() as logs:
        state = await glossary.current()
    assert aliases_in(state) == ("turnover",)
    assert not state.healthy
    assert [(fault.line, fault.key) for fault in state.faults] == [(2, "terms[0].table")]
    assert [entry["event"] for entry in logs] == ["glossary_broken"]
    assert "words.yaml, line 2, terms[0].table" in logs[0]["faults"][0]


async def test_a_broken_file_is_reported_once_however_often_it_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    glossary = await opened(file, words("turnover"))
    write(file, "terms: 1")
    with capture_logs() as logs:
        states = [await glossary.current() for _ in range(3)]
    assert len(logs) == 1
    assert all(state is states[0] for state in states)


async def test_a_mended_file_is_healthy_again(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    glossary = await opened(file, words("turnover"))
    good = (await glossary.current()).edition
    write(file, "terms: 1")
    assert not (await glossary.current()).healthy
    write(file, words("turnover"))
    state = await glossary.current()
    assert state.healthy
    assert state.edition is good


async def test_a_removed_file_keeps_the_last_good_words_until_it_is_back(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    glossary = await opened(file, words("turnover"))
    file.unlink()
    gone = await glossary.current()
    write(file, words("turnover"))
    back = await glossary.current()
    assert (aliases_in(gone), gone.faults[0].problem) == (("turnover",), "the file cannot be read (No such file or directory)")
    assert back.healthy


async def test_a_file_caught_half_written_is_read_again_before_it_is_called_broken(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"

    async def finish_writing(_: float) -> None:
        write(file, words("takings"))

    write(file, words("turnover"))
    glossary = Glossary(file, FixedClock(START), pause=finish_writing)
    await glossary.open()
    write(file, "terms: [{aliases: [tak")
    with capture_logs() as logs:
        state = await glossary.current()
    assert aliases_in(state) == ("takings",)
    assert [entry["event"] for entry in logs] == ["glossary_changed"]


async def test_opening_a_broken_file_fails_since_there_is_nothing_to_fall_back_on(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    write(file, "terms: 1")
    with pytest.raises(BadGlossaryFile, match=r"words\.yaml, line 1, terms: is a single value"):
        await Glossary(file, FixedClock(START)).open()


async def test_the_watch_tells_of_an_edit_and_of_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    glossary = await opened(file, words("turnover"))
    told: asyncio.Queue[tuple[GlossaryState, GlossaryState]] = asyncio.Queue()

    async def tell(before: GlossaryState, after: GlossaryState) -> None:
        await told.put((before, after))

    watching = asyncio.create_task(glossary.watch(tell))
    try:
        async with asyncio.timeout(10):
            write(file, words("takings"))
            before, after = await told.get()
            assert (aliases_in(before), aliases_in(after)) == (("turnover",), ("takings",))
            write(file, "terms: 1")
            before, after = await told.get()
            assert (before.healthy, after.healthy) == (True, False)
    finally:
        watching.cancel()


async def test_many_readers_at_once_read_the_file_once(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    glossary = await opened(file, words("turnover"))
    write(file, words("takings"))
    with capture_logs() as logs:
        states = await asyncio.gather(*(glossary.current() for _ in range(20)))
    assert {aliases_in(state) for state in states} == {("takings",)}
    assert len(logs) == 1
