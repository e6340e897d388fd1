"""The words of the validator: what it is asked, what a rule is, what it finds, what it reports. Values alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Final, Literal, TypeAlias

Level = Literal["basic", "comprehensive", "production_ready"]
LEVELS: Final[tuple[Level, ...]] = ("basic", "comprehensive", "production_ready")
Pattern = Literal[
    "rate_limiting", "caching", "multi_tenant", "error_handling", "dependency_injection", "monitoring", "resilience", "contracts",
    "security",
]  # fmt: skip
Compliance = Literal["excellent", "good", "fair", "poor"]


class Severity(IntEnum):
    """How bad a finding is; its name in lower case is the spec's `priority`."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Lines from 1; columns from 1, in characters; the end is just behind the last character."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCard:
    """What a rule is, for people:

    `level` is the lowest at which it is asked; `fixable`: `--fix` can mend some of its findings.
    """

    name: str
    pattern: Pattern
    level: Level
    severity: Severity
    title: str
    reason: str
    remedy: str
    bad: str
    good: str
    fixable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Replace what stands at `place` by `text`."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One breach of one rule at one place.

    `file`: as it was given, with `/`. `subject`: the handler or function it is about. `fingerprint` stays the same when lines
    move.
    `suppressed`: the reason somebody gave for letting it stand; None counts. `in_baseline`: the baseline lets it stand, not a
    comment. `mend`: the fix that mends it safely; "" is none.
    """

    rule: str
    pattern: Pattern
    severity: Severity
    file: str
    place: Place
    subject: str
    message: str
    remedy: str
    snippet: str
    fingerprint: str
    suppressed: str | None = None
    in_baseline: bool = False
    mend: str = ""


# By file and fingerprint.
FindingEdits: TypeAlias = Mapping[tuple[str, str], tuple[Edit, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """`score`:

    0 to 1, the share of what was asked of its handlers that holds, weighed by severity. `handlers`: how many there are.
    """

    file: str
    handlers: int
    score: float
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A file that could not be judged, and why."""

    file: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`skipped`: files without routes, not judged."""

    level: Level
    files: tuple[FileReport, ...]
    skipped: int = 0
    unreadable: tuple[Unreadable, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that count, file by file, in the order of their places."""
        return tuple(one for file in self.files for one in file.findings if one.suppressed is None)

    @property
    def score(self) -> float | None:
        """The mean over files; None when there is none."""
        return sum(file.score for file in self.files) / len(self.files) if self.files else None


RuleSettings: TypeAlias = Mapping[str, Severity | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to validate and how.

    `paths`: files and folders; `root` is the project's folder: imports are followed inside it alone, and files are named from it.
    `severities`: other severities than the cards', None switches a rule off. `exclude`: globs of paths from `root`.
    `limiters`, `identities`: further dotted names (or last names) that limit, or that say who calls.
    `processes`: how many may work; 1 is this one. `live`: what the imported application is (`live/`), None when it was not
    asked.
    """

    root: Path
    paths: tuple[Path, ...]
    level: Level = "comprehensive"
    severities: RuleSettings = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    limiters: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    public_paths: tuple[str, ...] = ()
    processes: int = 1
    live: "LiveApplication | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveDependency:
    """What a live route depends on. `name`: of the function, or of the class of what is called (`made`); `file` and `line`: where
    its code begins, "" and 0 for none in Python. `by`: the place among the route's dependencies of what asks for it; None is the
    route. `idempotency`, `deadline_seconds`: a guard's.
    """

    name: str
    file: str = ""
    line: int = 0
    how: Literal["parameter", "router", "middleware"] = "router"
    parameter: str = ""
    made: bool = False
    by: int | None = None
    idempotency: str | None = None
    deadline_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRoute:
    """One route of the imported application, its whole path, and where its handler begins. `dependencies` None: it is none that
    resolves any. `answers`: whether its response model says what is in it; "" when there is none.
    """

    file: str
    line: int
    path: str
    methods: tuple[str, ...]
    dependencies: tuple[LiveDependency, ...] | None
    answers: Literal["", "vague", "model"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveApplication:
    """`named` as it was imported. `open_to_all`: any page may call it with credentials; `unlimited`: its guards limit nobody."""

    named: str
    routes: tuple[LiveRoute, ...]
    open_to_all: bool = False
    unlimited: bool = False
