"""The cases as text files: projects (`=== path` above each file) and edits of them (`### name`, `base:`, `file:`, `---`, `+++`).

`also:` names rules whose findings are right too, `always:` at the head of a file those of all its cases."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

HERE = Path(__file__).parent
Project: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Replace every `old` by `new`; an empty `old` puts `new` at the end of the file."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`rule`: what has to be found, "" for nothing; `also`: rules whose findings are right as well."""

    name: str
    base: str
    rule: str = ""
    also: frozenset[str] = frozenset()
    edits: tuple[Edit, ...] = field(default=())

    def applied(self, project: Project) -> Project:
        """The project after the edits. Raises `ValueError` for an edit that finds nothing to change."""
        changed = dict(project)
        for edit in self.edits:
            before = changed.get(edit.file, "")
            if edit.old and edit.old not in before:
                raise ValueError(f"{self.rule} / {self.name}: {edit.file} has no {edit.old!r}")
            changed[edit.file] = before.replace(edit.old, edit.new) if edit.old else before + edit.new
        return changed


def read_projects() -> dict[str, Project]:
    """By the names of their files."""
    return {path.stem: _project(path.read_text(encoding="utf-8")) for path in sorted((HERE / "good").glob("*.txt"))}


def read_mutants() -> list[Case]:
    """Each file is called as the rule its cases break."""
    return [
        case for path in sorted((HERE / "mutants").glob("*.txt")) for case in _cases(path.read_text(encoding="utf-8"), path.stem)
    ]


def read_rewrites() -> list[Case]:
    """The same said in other words."""
    return [case for path in sorted((HERE / "equal").glob("*.txt")) for case in _cases(path.read_text(encoding="utf-8"), "")]


def _project(text: str) -> Project:
    parts = ("\n" + text).split("\n=== ")[1:]
    return {part.partition("\n")[0].strip(): part.partition("\n")[2].rstrip("\n") + "\n" for part in parts}


def _cases(text: str, rule: str) -> Iterator[Case]:
    base, file = "", ""
    head = ("\n" + text).partition("\n### ")[0]
    always = frozenset(head.replace("always:", "").replace(",", " ").split())
    for part in ("\n" + text).split("\n### ")[1:]:
        name, _, rest = part.partition("\n")
        also: frozenset[str] = frozenset()
        edits: list[Edit] = []
        side, old, new = "", [""], [""]
        for line in [*rest.split("\n"), "---"]:
            if line.startswith("base: "):
                base = line[6:].strip()
            elif line.startswith("file: "):
                if side:
                    edits.append(_edit(file, old, new))
                    side = ""
                file = line[6:].strip()
            elif line.startswith("also: "):
                also = frozenset(line[6:].replace(",", " ").split())
            elif line == "---":
                if side:
                    edits.append(_edit(file, old, new))
                side, old, new = "old", [], []
            elif line == "+++":
                side = "new"
            elif side:
                (old if side == "old" else new).append(line)
        yield Case(name=name.strip(), base=base, rule=rule, also=also | always, edits=tuple(edits))


def _edit(file: str, old: list[str], new: list[str]) -> Edit:
    return Edit(file=file, old="\n".join(old).strip("\n"), new="\n".join(new).rstrip("\n"))
