"""From the nodes of a file to words, or to the list of everything that is wrong with it.

Every fault of the file is collected, not only the first, each with its line, its key and what to write instead.
"""

import unicodedata
from collections.abc import Callable, Iterable
from typing import TypeVar

from mcp_gateway.core.schema import Scalar
from mcp_gateway.core.vocabulary import Entity, Expression, Metric, Period, Term, Vocabulary
from mcp_gateway.glossary.expressions import DEFAULT, Role, dialect_advice, known_dialect, problem_of
from mcp_gateway.glossary.model import Fault
from mcp_gateway.glossary.nodes import ListNode, MapNode, Node, TextNode, describe
from mcp_gateway.glossary.scalars import scalar_of

SECTIONS = ("entities", "terms", "metrics", "periods")
MAX_ENTRIES = 200_000
MAX_ALIASES = 500
MAX_WORD = 200
MAX_DESCRIPTION = 2_000
MAX_FAULTS = 200
# Joiners that some scripts need inside words; every other invisible character is refused.
_JOINERS = "\u200c\u200d"

Item = TypeVar("Item", Entity, Term, Metric, Period)


def build_vocabulary(root: Node) -> tuple[Vocabulary, tuple[Fault, ...]]:
    """The words of the file, and its faults in the file's order; with faults the words are incomplete."""
    faults = _Faults()
    if not isinstance(root, MapNode):
        faults.add(root.line, "", f"the file is {describe(root)}", f"Begin with one of the keys {', '.join(SECTIONS)}.")
        return Vocabulary(), faults.sorted()
    sections: dict[str, Node] = {}
    for key, node in root.entries:
        if key.text in SECTIONS:
            sections[key.text] = node
        elif key.text != "version":
            faults.add(key.line, key.text, "unknown key", f"Known are {', '.join(SECTIONS)}.")
    vocabulary = Vocabulary(
        entities=_section(sections, "entities", _entity, faults),
        terms=_section(sections, "terms", _term, faults),
        metrics=_section(sections, "metrics", _metric, faults),
        periods=_section(sections, "periods", _period, faults),
    )
    return vocabulary, faults.sorted()


class _Faults:
    def __init__(self) -> None:
        self._found: list[Fault] = []

    def add(self, line: int, key: str, problem: str, fix: str) -> None:
        if len(self._found) < MAX_FAULTS:
            self._found.append(Fault(line=line, key=key[:200], problem=problem, fix=fix if fix.endswith(".") else f"{fix}."))

    def sorted(self) -> tuple[Fault, ...]:
        return tuple(sorted(self._found, key=lambda fault: fault.line))

    def __len__(self) -> int:
        return len(self._found)


class _Entry:
    """One entry of a section, read field by field. What is wrong goes to the faults and reads as empty."""

    def __init__(self, node: MapNode, place: str, known: Iterable[str], faults: _Faults) -> None:
        self._fields = {key.text: node for key, node in node.entries}
        self._line = node.line
        self._place = place
        self._faults = faults
        known = tuple(known)
        for key, _ in node.entries:
            if key.text not in known:
                faults.add(key.line, f"{place}.{key.text}", "unknown key", f"Known are {', '.join(known)}.")

    def text(self, name: str, *, required: bool = True, longest: int = MAX_WORD) -> str:
        node = self._fields.get(name)
        if node is None or (isinstance(node, TextNode) and not node.text.strip()):
            if required:
                self._fault(node, name, "is missing", f"Add `{name}: ...`")
            return ""
        if not isinstance(node, TextNode):
            self._fault(node, name, f"is {describe(node)}", "Write one text")
            return ""
        return self._clean(node, name, longest)

    def scalar(self, name: str) -> Scalar:
        node = self._fields.get(name)
        if not isinstance(node, TextNode):
            self._fault(node, name, "is missing" if node is None else f"is {describe(node)}", f"Add `{name}: ...` with one value")
            return None
        value = scalar_of(node)
        return self._clean(node, name, MAX_DESCRIPTION) if isinstance(value, str) else value

    def words(self, name: str) -> tuple[str, ...]:
        node = self._fields.get(name)
        items = node.items if isinstance(node, ListNode) else (node,) if isinstance(node, TextNode) else ()
        if not items or len(items) > MAX_ALIASES:
            problem = "is missing" if node is None else "is empty" if not items else f"has more than {MAX_ALIASES} words"
            self._fault(node, name, problem, f"Write `{name}: [one word, another]`")
            return ()
        cleaned = []
        for item in items:
            if isinstance(item, TextNode):
                cleaned.append(self._clean(item, name, MAX_WORD))
            else:
                self._fault(
                    item, name, f"holds {describe(item)}", "Write each word as a text; put it in quotes if it has a colon"
                )
        return tuple(dict.fromkeys(word for word in cleaned if word))

    def expression(self, name: str, role: Role, *, required: bool = True) -> Expression:
        node = self._fields.get(name)
        if node is None:
            if required:
                self._fault(node, name, "is missing", f"Add `{name}: SQL`, or SQL by dialect")
            return {}
        if isinstance(node, TextNode):
            return self._by_dialect(name, role, ((TextNode(text=DEFAULT, line=node.line), node),))
        if isinstance(node, ListNode) or not node.entries:
            self._fault(node, name, f"is {describe(node)}", "Write SQL text, or SQL by dialect: `default: ...`, `duckdb: ...`")
            return {}
        return self._by_dialect(name, role, node.entries)

    def _by_dialect(self, name: str, role: Role, entries: tuple[tuple[TextNode, Node], ...]) -> Expression:
        checked: dict[str, str] = {}
        for key, node in entries:
            where = name if key.text == DEFAULT else f"{name}.{key.text}"
            if not known_dialect(key.text):
                self._fault(key, where, "names an unknown dialect", dialect_advice(key.text))
            elif not isinstance(node, TextNode) or not node.text.strip():
                self._fault(node, where, "is not SQL text", "Write one SQL expression")
            elif problem := problem_of(node.text, key.text, role):
                self._fault(node, where, *problem)
            else:
                checked[key.text] = node.text.strip()
        return checked

    def _clean(self, node: TextNode, name: str, longest: int) -> str:
        text = (node.text if node.text.isascii() else unicodedata.normalize("NFC", node.text)).strip()
        hidden = None if text.isprintable() else _hidden_letter(text, lines_allowed=longest == MAX_DESCRIPTION)
        if hidden is not None:
            self._fault(node, name, f"holds the invisible character U+{ord(hidden):04X}", "Remove it")
        elif len(text) > longest:
            self._fault(node, name, f"is longer than {longest} characters", "Shorten it")
        else:
            return text
        return ""

    def _fault(self, node: Node | None, name: str, problem: str, fix: str) -> None:
        self._faults.add(node.line if node is not None else self._line, f"{self._place}.{name}", problem, fix)


def _hidden_letter(text: str, *, lines_allowed: bool) -> str | None:
    """The first character that nobody would see; line breaks are seen where several lines are allowed."""
    allowed = _JOINERS + ("\n" if lines_allowed else "")
    return next((letter for letter in text if unicodedata.category(letter)[0] == "C" and letter not in allowed), None)


def _section(
    sections: dict[str, Node], name: str, read: Callable[[MapNode, str, _Faults], Item], faults: _Faults
) -> tuple[Item, ...]:
    node = sections.get(name)
    if node is None or (isinstance(node, TextNode) and node.plain and node.text in ("", "~", "null")):
        return ()
    if not isinstance(node, ListNode):
        faults.add(node.line, name, f"is {describe(node)}", "Write a list: each entry begins with `- `.")
        return ()
    if len(node.items) > MAX_ENTRIES:
        faults.add(node.line, name, f"has more than {MAX_ENTRIES} entries", "Keep words that are stored values in the database.")
        return ()
    items = []
    for index, item in enumerate(node.items):
        place = f"{name}[{index}]"
        if isinstance(item, MapNode):
            items.append(read(item, place, faults))
        else:
            faults.add(item.line, place, f"is {describe(item)}", "Write keys and values: `aliases: [...]`.")
        if len(faults) >= MAX_FAULTS:
            break
    return tuple(items)


def _entity(node: MapNode, place: str, faults: _Faults) -> Entity:
    entry = _Entry(node, place, ("kind", "label", "table", "column", "value", "aliases"), faults)
    aliases = entry.words("aliases")
    return Entity(
        kind=entry.text("kind", required=False) or "entity",
        label=entry.text("label", required=False) or (aliases[0] if aliases else ""),
        table=entry.text("table"),
        column=entry.text("column"),
        value=entry.scalar("value"),
        aliases=aliases,
    )


def _term(node: MapNode, place: str, faults: _Faults) -> Term:
    entry = _Entry(node, place, ("aliases", "table", "column", "condition", "description"), faults)
    return Term(
        aliases=entry.words("aliases"),
        table=entry.text("table"),
        column=entry.text("column", required=False) or None,
        condition=entry.expression("condition", "condition", required=False),
        description=entry.text("description", required=False, longest=MAX_DESCRIPTION),
    )


def _metric(node: MapNode, place: str, faults: _Faults) -> Metric:
    entry = _Entry(node, place, ("name", "aliases", "table", "expression", "condition", "unit", "description"), faults)
    name = entry.text("name")
    aliases = entry.words("aliases") if any(key.text == "aliases" for key, _ in node.entries) else ((name,) if name else ())
    return Metric(
        name=name,
        aliases=aliases,
        table=entry.text("table"),
        expression=entry.expression("expression", "aggregate"),
        condition=entry.expression("condition", "condition", required=False),
        unit=entry.text("unit", required=False),
        description=entry.text("description", required=False, longest=MAX_DESCRIPTION),
    )


def _period(node: MapNode, place: str, faults: _Faults) -> Period:
    entry = _Entry(node, place, ("aliases", "start", "end", "description"), faults)
    return Period(
        aliases=entry.words("aliases"),
        start=entry.expression("start", "moment"),
        end=entry.expression("end", "moment"),
        description=entry.text("description", required=False, longest=MAX_DESCRIPTION),
    )
