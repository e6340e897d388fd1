"""From a glossary file to its words: bytes, text, nodes, words. Blocking; `current.py` calls it in a thread."""

import hashlib
from pathlib import Path

from mcp_gateway.glossary.build import build_vocabulary
from mcp_gateway.glossary.csv_file import read_csv
from mcp_gateway.glossary.errors import BadGlossaryFile, NotReadable
from mcp_gateway.glossary.model import Edition, Fault
from mcp_gateway.glossary.yaml_file import read_yaml

# 100,000 entries of usual length stay well below; a larger file is a database, not a glossary.
MAX_FILE_BYTES = 32 * 1024 * 1024
READERS = {".yaml": read_yaml, ".yml": read_yaml, ".csv": read_csv, ".tsv": read_csv}


def read_glossary(path: Path) -> bytes:
    """The bytes of the file. Raises `BadGlossaryFile` when it cannot be read, is too large or of an unknown kind."""
    _kind(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _bad(path, f"the file cannot be read ({error.strerror})", "Check the path and its permissions.") from None
    if len(content) > MAX_FILE_BYTES:
        raise _bad(path, f"the file is larger than {MAX_FILE_BYTES // 2**20} MiB", "Leave out what is stored in the database.")
    return content


def parse_glossary(path: Path, content: bytes) -> Edition:
    """The words in the content of that file. Raises `BadGlossaryFile` with every fault that could be found."""
    try:
        root = READERS[_kind(path)](_decode(path, content))
    except NotReadable as refusal:
        raise BadGlossaryFile(path.name, (refusal.fault,)) from None
    vocabulary, faults = build_vocabulary(root)
    if faults:
        raise BadGlossaryFile(path.name, faults)
    return Edition(vocabulary=vocabulary, version=version_of(content))


def version_of(content: bytes) -> str:
    """The same for the same bytes."""
    return hashlib.sha256(content).hexdigest()[:16]


def _kind(path: Path) -> str:
    kind = path.suffix.casefold()
    if kind not in READERS:
        raise _bad(path, "the kind of file is not known by its name", f"Name it with one of {', '.join(READERS)}.")
    return kind


def _decode(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _bad(path, "the text is not UTF-8", "Save the file with the encoding UTF-8.", line=line) from None


def _bad(path: Path, problem: str, fix: str, *, line: int = 0) -> BadGlossaryFile:
    return BadGlossaryFile(path.name, (Fault(line=line, key="", problem=problem, fix=fix),))
