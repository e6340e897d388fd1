"""The signing key: made once, for its owner alone, and not used when anybody else could have read or changed it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.minting import rsa_key

from mcp_gateway.adapters.key_file import KEY_NAME, KeyFileRefused, open_signing_key


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "state"


def secret_of(state: Path) -> bytes:
    return open_signing_key(state).private_bytes_raw()


def test_the_first_start_makes_a_key_only_its_owner_can_read(state: Path) -> None:
    before = os.umask(0)
    try:
        secret_of(state)
    finally:
        os.umask(before)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert stat.S_IMODE((state / KEY_NAME).stat().st_mode) == 0o600
    assert [path.name for path in state.iterdir()] == [KEY_NAME]


def test_every_later_start_finds_the_same_key(state: Path) -> None:
    assert secret_of(state) == secret_of(state)


def test_two_installations_have_two_keys(state: Path, tmp_path: Path) -> None:
    assert secret_of(state) != secret_of(tmp_path / "other")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666])
def test_a_key_others_may_read_or_change_is_refused(state: Path, mode: int) -> None:
    secret_of(state)
    (state / KEY_NAME).chmod(mode)
    with pytest.raises(KeyFileRefused) as caught:
        secret_of(state)
    assert f"chmod 600 {state / KEY_NAME}" in caught.value.hint


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o701, 0o770, 0o777, 0o755])
def test_a_directory_others_may_enter_is_refused(state: Path, mode: int) -> None:
    secret_of(state)
    state.chmod(mode)
    with pytest.raises(KeyFileRefused) as caught:
        secret_of(state)
    assert f"chmod 700 {state}" in caught.value.hint


def test_a_directory_made_too_open_before_is_refused_and_gets_no_key(state: Path) -> None:
    state.mkdir(parents=True)
    state.chmod(0o755)
    with pytest.raises(KeyFileRefused):
        secret_of(state)
    assert list(state.iterdir()) == []


def test_a_key_of_another_user_is_refused(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_of(state)
    monkeypatch.setattr(os, "geteuid", lambda: state.stat().st_uid + 1)
    with pytest.raises(KeyFileRefused, match="belongs to another user"):
        secret_of(state)


@pytest.mark.parametrize("target", ["a real key", "nothing"])
def test_a_link_in_place_of_the_key_is_refused(state: Path, tmp_path: Path, target: str) -> None:
    secret_of(state)
    elsewhere = tmp_path / "elsewhere"
    if target == "a real key":
        elsewhere.write_bytes((state / KEY_NAME).read_bytes())
        elsewhere.chmod(0o600)
    (state / KEY_NAME).unlink()
    (state / KEY_NAME).symlink_to(elsewhere)
    with pytest.raises(KeyFileRefused, match="is a link"):
        secret_of(state)
    assert elsewhere.exists() == (target == "a real key")


def test_a_link_in_place_of_the_directory_is_refused(state: Path, tmp_path: Path) -> None:
    secret_of(state)
    (tmp_path / "link").symlink_to(state)
    with pytest.raises(KeyFileRefused, match="is a link"):
        secret_of(tmp_path / "link")


def test_what_is_no_directory_or_no_file_is_refused(state: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(KeyFileRefused):
        secret_of(tmp_path / "file")
    state.mkdir(parents=True, mode=0o700)
    (state / KEY_NAME).mkdir()
    with pytest.raises(KeyFileRefused):
        secret_of(state)


@pytest.mark.timeout(20)
def test_a_pipe_in_place_of_the_key_does_not_hang_the_start(state: Path) -> None:
    state.mkdir(parents=True, mode=0o700)
    os.mkfifo(state / KEY_NAME, 0o600)
    with pytest.raises(KeyFileRefused, match="is no file"):
        secret_of(state)


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"\x00" * 9_999]
)
def test_a_file_without_a_key_is_refused_and_left_alone(state: Path, content: bytes) -> None:
    state.mkdir(parents=True, mode=0o700)
    path = state / KEY_NAME
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileRefused, match="holds no Ed25519 key"):
        secret_of(state)
    assert path.read_bytes() == content


def test_a_key_of_another_kind_is_refused(state: Path) -> None:
    state.mkdir(parents=True, mode=0o700)
    path = state / KEY_NAME
    path.write_bytes(rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    with pytest.raises(KeyFileRefused, match="holds no Ed25519 key"):
        secret_of(state)


def test_processes_that_start_together_agree_on_one_key(state: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from mcp_gateway.adapters.key_file import open_signing_key;"
        "print('ready', flush=True); sys.stdin.readline(); print(open_signing_key(Path(sys.argv[1])).private_bytes_raw().hex())"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, os.fspath(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    keys = {process.communicate(timeout=60)[0] for process in started}
    assert keys == {secret_of(state).hex() + "\n"}
    assert [path.name for path in state.iterdir()] == [KEY_NAME]
