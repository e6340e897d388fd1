"""One file under all rules of a level: breaches become findings with places, fingerprints and suppressions, and a score."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

from mcp_gateway.kit.patterns.model import FileReport, Finding, Place, RuleCard, Severity
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS
from mcp_gateway.kit.patterns.python.source import Source
from mcp_gateway.kit.patterns.rules.catalogue import BY_NAME, rules_at
from mcp_gateway.kit.patterns.scoring import file_score
from mcp_gateway.kit.patterns.study import Hit, Study
from mcp_gateway.kit.patterns.suppressions import Suppression, holding, read_suppressions
from mcp_gateway.kit.patterns.web.model import Route

VOID: Final = RuleCard(
    name="suppression-void",
    pattern="contracts",
    level="basic",
    severity=Severity.MEDIUM,
    title="A suppression without a reason",
    reason="What is let stand without a reason is never looked at again.",
    remedy="Write the rule and why: `# patterns: allow RULE: reason`.",
    bad="# patterns: allow rate-limit-missing\n",
    good="# patterns: allow rate-limit-missing: the partner network limits at its edge\n",
)
MAX_SNIPPET: Final = 200


def judge(study: Study, file: str) -> FileReport:
    """`file`: its name in the report."""
    order, source = study.order, study.module.source
    suppressions = read_suppressions(source.text)
    rules = rules_at(order.level, order.severities)
    seen: dict[str, int] = {}
    found: list[tuple[str, Finding]] = []
    for rule in rules:
        severity = order.severities.get(rule.card.name) or rule.card.severity
        for hit in _once(rule.check(study)):
            finding = _finding(rule.card, severity, hit, study, file, suppressions)
            number = seen[finding.fingerprint] = seen.get(finding.fingerprint, 0) + 1
            found.append((_key(hit.route), _numbered(finding, number)))
    found += [("", one) for one in _void(suppressions, source, file)]
    found.sort(key=lambda one: (one[1].place.line, one[1].place.column, one[1].rule))
    handlers = list(dict.fromkeys(_key(route) for route in study.routes))
    score = file_score(handlers, (rule.card.pattern for rule in rules), found)
    return FileReport(file=file, handlers=len(handlers), score=score, findings=tuple(one for _, one in found))


def _once(hits: Iterable[Hit]) -> Iterator[Hit]:
    """One hit of a rule for each node: a handler under three paths is one handler."""
    seen: set[ast.AST] = set()
    for hit in hits:
        if hit.node not in seen:
            seen.add(hit.node)
            yield hit


def _key(route: Route | None) -> str:
    return f"{route.name}@{getattr(route.place, 'lineno', 0)}" if route is not None else ""


def _finding(
    card: RuleCard, severity: Severity, hit: Hit, study: Study, file: str, suppressions: tuple[Suppression, ...]
) -> Finding:
    source = study.module.source
    place = place_of(hit.node, source)
    subject = hit.route.name if hit.route is not None else _subject(hit.node, study)
    snippet = " ".join(source.lines[place.line - 1].split())[:MAX_SNIPPET] if place.line <= len(source.lines) else ""
    held = holding(suppressions, card.name, _lines(hit, place)) if suppressions else None
    return Finding(
        rule=card.name, pattern=card.pattern, severity=severity, file=file, place=place, subject=subject, message=hit.message,
        remedy=card.remedy, snippet=snippet, fingerprint=_fingerprint(card.name, subject, snippet),
        suppressed=held.reason if held is not None else None, mend=hit.mend,
    )  # fmt: skip


def place_of(node: ast.AST, source: Source) -> Place:
    """A function's place is its `def` line up to the name's end, so that a finding does not underline a whole body."""
    line, offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    end_line, end_offset = getattr(node, "end_lineno", None) or line, getattr(node, "end_col_offset", None) or offset
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        text = source.lines[line - 1] if line <= len(source.lines) else ""
        end_line, end_offset = line, offset
        at = text.find(node.name)
        if at >= 0:
            return Place(line=line, column=source.column(line, offset), end_line=line, end_column=at + len(node.name) + 1)
    column, end_column = source.column(line, offset), source.column(end_line, end_offset)
    if (end_line, end_column) <= (line, column):
        end_line, end_column = line, column + 1
    return Place(line=line, column=column, end_line=end_line, end_column=end_column)


def _lines(hit: Hit, place: Place) -> list[int]:
    """The lines a suppression may stand for: the finding's own, and the head of its handler."""
    lines = list(range(place.line, min(place.end_line, place.line + 20) + 1))
    holder = hit.route.function if hit.route is not None else None
    if isinstance(holder, FUNCTIONS):
        first = min([one.lineno for one in holder.decorator_list] + [holder.lineno])
        lines += range(first, holder.body[0].lineno)
    return lines


def _subject(node: ast.AST, study: Study) -> str:
    holder = study.module.around(node).node
    return holder.name if isinstance(holder, (*FUNCTIONS, ast.ClassDef)) else "<module>"


def _fingerprint(rule: str, subject: str, snippet: str) -> str:
    return hashlib.sha256("\x00".join((rule, subject, "".join(snippet.split()))).encode()).hexdigest()[:20]


def _numbered(finding: Finding, number: int) -> Finding:
    """The second of its kind in a file has a fingerprint of its own."""
    if number == 1:
        return finding
    fields = {name: getattr(finding, name) for name in Finding.__slots__}
    return Finding(**(fields | {"fingerprint": f"{finding.fingerprint}-{number}"}))


def _void(suppressions: tuple[Suppression, ...], source: Source, file: str) -> Iterator[Finding]:
    for one in suppressions:
        unknown = sorted(one.rules - BY_NAME.keys())
        why = one.void or (f"there is no rule {', '.join(unknown)}" if unknown else "")
        if why:
            line = source.lines[one.at - 1]
            place = Place(line=one.at, column=line.index("#") + 1, end_line=one.at, end_column=len(line) + 1)
            yield Finding(
                rule=VOID.name, pattern=VOID.pattern, severity=VOID.severity, file=file, place=place, subject="<comment>",
                message=f"This suppression holds for nothing: {why}", remedy=VOID.remedy, snippet=line.strip()[:MAX_SNIPPET],
                fingerprint=_fingerprint(VOID.name, "<comment>", line),
            )  # fmt: skip
