"""A configuration file that changes while it is in use."""

import os
from pathlib import Path

import pytest
import structlog

from mcp_gateway.ask.configuration import ConfigurationFile, ConfigurationInvalid, ConfigurationUnreadable

pytestmark = pytest.mark.anyio
GOOD = 'mcp_servers: {{a: {{name: {name}, url: "http://h/mcp", priority: 1}}}}\n'


def write(path: Path, text: str, *, moment: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(moment, moment))


async def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    write(path, GOOD.format(name="One"), moment=1)
    file = ConfigurationFile(path)
    assert file.load().mcp_servers[0].name == "One"
    assert await file.reload() is None
    write(path, GOOD.format(name="Two"), moment=2)
    changed = await file.reload()
    assert changed is not None
    assert changed.mcp_servers[0].name == "Two"
    assert await file.reload(force=True) == changed


@pytest.mark.parametrize("broken", ["mcp_servers: [", "mcp_servers: {}", None])
async def test_a_broken_file_is_refused_once_and_says_why(tmp_path: Path, broken: str | None) -> None:
    path = tmp_path / "c.yaml"
    write(path, GOOD.format(name="One"), moment=1)
    file = ConfigurationFile(path)
    file.load()
    if broken is None:
        path.unlink()
    else:
        write(path, broken, moment=2)
    with structlog.testing.capture_logs() as logs:
        assert await file.reload() is None
        assert await file.reload() is None
    (line,) = logs
    assert (line["event"], line["kept"]) == ("configuration_refused", "previous")
    assert str(path) in str(line["faults"])
    write(path, GOOD.format(name="Three"), moment=3)
    mended = await file.reload()
    assert mended is not None
    assert mended.mcp_servers[0].name == "Three"


def test_a_file_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationUnreadable, match="No such file"):
        ConfigurationFile(tmp_path / "none.yaml").load()
    with pytest.raises(ConfigurationUnreadable):
        ConfigurationFile(tmp_path).load()


@pytest.mark.parametrize(
    ("content", "words"), [(b"\xff\xfe\x00a", "is not UTF-8"), (b"# " * 600_000, "more than 1,000,000 bytes")]
)
def test_a_file_that_is_no_text_or_far_too_long_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationInvalid, match=words):
        ConfigurationFile(path).load()
