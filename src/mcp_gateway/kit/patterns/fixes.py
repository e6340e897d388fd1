"""Mending what can be mended safely: all else in the file stays as it is, to the last byte. Imported when it is asked for.

A mended file is judged again: a mend after which its finding is still there, or another has come, or which is no program, is
not made. The mends themselves are in `mends.py`.
"""

import os
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import libcst as cst

from mcp_gateway.kit.patterns.edits import edits_between, with_edits
from mcp_gateway.kit.patterns.mends import MENDS, Page
from mcp_gateway.kit.patterns.model import Edit, Finding, FindingEdits, Order, Report
from mcp_gateway.kit.patterns.python.source import Unparsable, decode, encoding_of, normal, read, read_bytes
from mcp_gateway.kit.patterns.validate import validate_source
from mcp_gateway.kit.tame import is_tame


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """`text` is the whole file; `findings` what was mended in it."""

    text: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MendedFile:
    """`before` and `after` are the bytes of the whole file; they are the same when nothing was mended."""

    path: Path
    before: bytes
    after: bytes
    findings: tuple[Finding, ...]


def mend(text: str, findings: tuple[Finding, ...], order: Order, name: str) -> Mended:
    """One mend after the other, each kept only when it helps. `name`: the file's, from the project's folder."""
    if not is_tame(text):
        return Mended(text=text, findings=())
    done: list[Finding] = []
    changes: list[tuple[Edit, ...]] = []
    for finding in sorted(findings, key=lambda one: (one.place.line, one.place.column), reverse=True):
        if finding.mend in MENDS and finding.suppressed is None:
            changed = _changed(text, _moved(finding, changes))
            if changed is not None and changed != text and _helps(text, changed, finding, order, name):
                changes.append(edits_between(text, changed))
                text = changed
                done.append(finding)
    return Mended(text=text, findings=tuple(reversed(done)))


def _moved(finding: Finding, changes: list[tuple[Edit, ...]]) -> Finding:
    """Where it stands once these changes were made, each to what the one before left: lines above it come and go."""
    place = finding.place
    for edits in changes:
        above = [one for one in edits if one.place.end_line <= place.line]
        by = sum(one.text.count("\n") - (one.place.end_line - one.place.line) for one in above)
        place = replace(place, line=place.line + by, end_line=place.end_line + by)
    return replace(finding, place=place)


def _changed(text: str, finding: Finding) -> str | None:
    try:
        return MENDS[finding.mend](Page(text, finding.place))
    except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError):
        return None


def _helps(before: str, after: str, finding: Finding, order: Order, name: str) -> bool:
    if not _compiles(after):
        return False
    try:
        was = validate_source(before, order, name=name).findings
        now = validate_source(after, order, name=name).findings
    except Unparsable:
        return False
    return len(now) < len(was) and finding.fingerprint not in {one.fingerprint for one in now}


def _compiles(text: str) -> bool:
    """Trees bear more than programs do: an `await` in a plain `def`, say. Nothing is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<mended>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def mend_file(path: Path, findings: tuple[Finding, ...], order: Order, name: str) -> MendedFile:
    """Nothing is written. Lines that are not mended keep their bytes, their ends too. Raises `Unparsable`."""
    data = read_bytes(path)
    text, encoding = decode(data), encoding_of(data)
    exact = data.decode(encoding)
    mended = mend(text, findings, order, name)
    after = with_edits(exact, edits_between(text, mended.text)).encode(encoding)
    kept = exact.encode(encoding) == data and normal(after.decode(encoding)) == mended.text
    if not mended.findings or not kept:
        return MendedFile(path=path, before=data, after=data, findings=())
    return MendedFile(path=path, before=data, after=after, findings=mended.findings)


def write_mended(mended: MendedFile, root: Path) -> bool:
    """As a whole or not at all, with the rights it had; a link stays one. False when somebody has changed it since.

    Raises `Unparsable` for what lies outside of `root`, and `OSError`.
    """
    target = mended.path.resolve()
    if not target.is_relative_to(root.resolve()):
        raise Unparsable("it lies outside of the project")
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(mended.after)
            os.fchmod(file.fileno(), target.stat().st_mode & 0o7777)
        if read_bytes(target) != mended.before:
            return False
        Path(name).replace(target)
        return True
    finally:
        Path(name).unlink(missing_ok=True)


def edits_of(report: Report, order: Order) -> FindingEdits:
    """What `--fix` would replace for each finding by itself; nothing is written."""
    found: dict[tuple[str, str], tuple[Edit, ...]] = {}
    for file in report.files:
        for one in file.findings:
            if one.mend and one.suppressed is None:
                text = read(order.root / file.file)
                mended = mend(text, (one,), order, file.file)
                if mended.findings:
                    found[file.file, one.fingerprint] = edits_between(text, mended.text)
    return found
