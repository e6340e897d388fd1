"""CSV to nodes: one line an entry, for glossaries kept in a spreadsheet.

Columns (in any order, empty cells count as absent):

    section      entity, term, metric or period; says what the line is
    aliases      other names, separated by |
    table, column, value, kind, label                       for an entity
    table, column, condition, description                   for a term
    name, table, expression, condition, unit, description   for a metric
    start, end, description                                 for a period

An expression for one dialect alone has the dialect in its column's name: `expression:duckdb`, `condition:postgres`. `value_type`
(text or auto, default auto) says whether a value of digits is text all the same. Comma, semicolon and tab separate; the first
line decides.
"""

import csv
import io

from mcp_gateway.glossary.errors import NotReadable
from mcp_gateway.glossary.model import Fault
from mcp_gateway.glossary.nodes import ListNode, MapNode, Node, TextNode

ALIAS_SEPARATOR = "|"
SECTIONS = {"entity": "entities", "term": "terms", "metric": "metrics", "period": "periods"}
EXPRESSIONS = ("expression", "condition", "start", "end")
TEXTS = ("kind", "label", "table", "column", "value", "name", "unit", "description")
COLUMNS = ("section", "aliases", "value_type", *TEXTS, *EXPRESSIONS)


def read_csv(text: str) -> Node:
    """The lines as the same tree a YAML file gives. Raises `NotReadable`."""
    first_line = text.split("\n", 1)[0]
    if not first_line.strip():
        raise NotReadable(Fault(line=1, key="", problem="there is no header line", fix=f"Begin with {','.join(COLUMNS[:3])},..."))
    delimiter = max(",;\t", key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    grouped: dict[str, list[Node]] = {section: [] for section in SECTIONS.values()}
    try:
        header = _header(next(reader))
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                section, entry = _entry(header, cells, line)
                grouped[section].append(entry)
            line = reader.line_num + 1
    except csv.Error as error:
        raise NotReadable(
            Fault(
                line=reader.line_num,
                key="",
                problem=f"not valid CSV: {error}",
                fix='Double the quotes inside a quoted cell ("").',
            )
        ) from None
    entries = tuple(
        (TextNode(text=section, line=1), ListNode(items=tuple(items), line=1)) for section, items in grouped.items() if items
    )
    return MapNode(entries=entries, line=1)


def _header(cells: list[str]) -> list[str]:
    header = [cell.strip().casefold() for cell in cells]
    for name in header:
        if name.split(":", 1)[0] not in COLUMNS or (":" in name and name.split(":", 1)[0] not in EXPRESSIONS):
            raise NotReadable(Fault(line=1, key=name[:60], problem="unknown column", fix=f"Known are: {', '.join(COLUMNS)}."))
    if len(set(header)) != len(header):
        raise NotReadable(Fault(line=1, key="", problem="a column stands here twice", fix="Remove one of the two."))
    if "section" not in header:
        raise NotReadable(
            Fault(line=1, key="section", problem="the column is missing", fix=f"Add it, with {', '.join(SECTIONS)} in each line.")
        )
    return header


def _entry(header: list[str], cells: list[str], line: int) -> tuple[str, MapNode]:
    if len(cells) > len(header):
        raise NotReadable(
            Fault(
                line=line, key="", problem=f"{len(cells)} cells under {len(header)} columns", fix="Quote cells with a separator."
            )
        )
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
    section = SECTIONS.get(row.pop("section", "").casefold())
    if section is None:
        raise NotReadable(
            Fault(line=line, key="section", problem="says none of the four kinds", fix=f"Write one of {', '.join(SECTIONS)}.")
        )
    value_is_text = row.pop("value_type", "auto").casefold() == "text"
    entries: list[tuple[TextNode, Node]] = []
    for name in TEXTS:
        if name in row:
            plain = name == "value" and not value_is_text
            entries.append((TextNode(text=name, line=line), TextNode(text=row[name], line=line, plain=plain)))
    if "aliases" in row:
        aliases = tuple(
            TextNode(text=part, line=line, plain=False) for part in row["aliases"].split(ALIAS_SEPARATOR) if part.strip()
        )
        entries.append((TextNode(text="aliases", line=line), ListNode(items=aliases, line=line)))
    entries.extend(_expressions(row, line))
    return section, MapNode(entries=tuple(entries), line=line)


def _expressions(row: dict[str, str], line: int) -> list[tuple[TextNode, Node]]:
    found: list[tuple[TextNode, Node]] = []
    for name in EXPRESSIONS:
        written = {
            (column.split(":", 1)[1] if ":" in column else "default"): cell
            for column, cell in row.items()
            if column.split(":", 1)[0] == name
        }
        if written:
            dialects = tuple(
                (TextNode(text=dialect, line=line), TextNode(text=sql, line=line, plain=False))
                for dialect, sql in written.items()
            )
            found.append((TextNode(text=name, line=line), MapNode(entries=dialects, line=line)))
    return found
