"""A file that changes: noticed, and not while it is being written."""

from pathlib import Path

import pytest

from mcp_gateway.core.configuration.text_file import TextFile, Unreadable


def test_a_change_is_noticed_and_settles_at_the_second_look(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    file = TextFile(path)
    assert file.read() == "one"
    assert not file.changed()
    assert not file.settled()
    path.write_text("three")
    assert file.changed()
    assert [file.settled(), file.settled(), file.settled()] == [False, True, True]
    assert file.read() == "three"
    assert not file.settled()


def test_a_file_that_goes_away_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    file = TextFile(path)
    file.read()
    path.unlink()
    assert file.changed()
    with pytest.raises(Unreadable, match="cannot be read"):
        file.read()
    assert not file.changed()


def test_a_mark_of_byte_order_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\xef\xbb\xbfrules: []")
    assert TextFile(path).read() == "rules: []"
