"""The signing key of the embedded issuer: a file only its owner can read, made once, by whoever comes first."""

import os
import stat
from pathlib import Path
from secrets import token_hex
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from mcp_gateway.core.errors import InvalidInput

KEY_NAME: Final = "signing-key"
_MAX_BYTES: Final = 4_096


class KeyFileRefused(InvalidInput):
    """The signing key cannot be used as it lies there."""

    code = "KEY_FILE_REFUSED"
    hint = "STATE_DIR must be a directory of its own, owned by the user the gateway runs as."


def open_signing_key(state_dir: Path) -> Ed25519PrivateKey:
    """The key in `state_dir`; directory and key are made when missing. Processes that start together agree on one key.

    Raises `KeyFileRefused` when others can read or change either, when one is a link, or when the file holds no such key.
    """
    _require_private_directory(state_dir)
    path = state_dir / KEY_NAME
    try:
        if not os.path.lexists(path):
            _make_key(path)
        return _read_key(path)
    except OSError as error:
        raise KeyFileRefused(f"{path} cannot be read or made: {error.strerror}.") from error


def _require_private_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = directory.lstat()
    except OSError as error:
        raise KeyFileRefused(f"The state directory {directory} cannot be made: {error.strerror}.") from error
    if not stat.S_ISDIR(facts.st_mode):
        raise KeyFileRefused(f"The state directory {directory} is a link or no directory.", hint="Set STATE_DIR to the real one.")
    _require_private(directory, facts, "700")


def _require_private(path: Path, facts: os.stat_result, mode: str) -> None:
    if facts.st_uid != os.geteuid():
        raise KeyFileRefused(f"{path} belongs to another user.", hint=f"Run as its owner, or `chown` it: {path}")
    if stat.S_IMODE(facts.st_mode) & 0o077:
        raise KeyFileRefused(f"{path} is open to other users.", hint=f"chmod {mode} {path}")


def _make_key(path: Path) -> None:
    """Written whole under another name, then given its name unless somebody was faster: nobody ever sees half a key."""
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{KEY_NAME}-{token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path, follow_symlinks=False)
        except FileExistsError:
            return
        _keep_entry(path.parent)
    finally:
        draft.unlink()


def _keep_entry(directory: Path) -> None:
    """The key's name must survive a power failure too: tokens are issued with it right away."""
    handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_key(path: Path) -> Ed25519PrivateKey:
    if path.is_symlink():
        raise KeyFileRefused(f"{path} is a link.", hint="Put the key itself there, or remove the link to get a new key.")
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise KeyFileRefused(f"{path} is no file.")
        _require_private(path, facts, "600")
        text = file.read(_MAX_BYTES + 1)
    try:
        key = load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileRefused(
            f"{path} holds no Ed25519 key.", hint="Restore it from a backup, or remove it: all tokens issued with it end."
        )
    return key
