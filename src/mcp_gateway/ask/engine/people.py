"""Which tables hold people: what "who" and "how many people" are about."""

from collections.abc import Collection, Sequence

from mcp_gateway.ask.engine.form import ColumnRef, Query, Select
from mcp_gateway.ask.engine.schema_index import PreparedTable, SchemaIndex
from mcp_gateway.ask.engine.text import Token, stem_of


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem_of(word) for word in text.split())


_CUSTOMERS = _stems(
    """customer client buyer shopper patron consumer guest visitor member user subscriber patient passenger borrower reader
    tenant student donor payer cardholder"""
)
STAFF = _stems(
    """employee staff worker waiter waitress clerk agent salesperson salesman seller manager doctor physician nurse teacher
    instructor professor librarian chef cook driver pilot technician mechanic engineer officer rep representative lecturer"""
)
_OTHERS = _stems(
    """person people individual human participant attendee pupil learner author writer editor artist singer musician actor
    actress director player coach owner resident candidate voter volunteer friend contestant winner judge child parent reviewer
    contact professional scientist researcher politician attorney lawyer athlete swimmer wrestler gymnast jockey faculty
    advisor boss colleague supervisor president captain host leader creator founder chairman editor mayor"""
)
PEOPLE = _CUSTOMERS | STAFF | _OTHERS
_BUYING = _stems("buy bought order ordered purchase spend spent pay paid")
_PAIRS = (("first", "last"), ("fname", "lname"), ("given", "famili"), ("forenam", "surnam"))
_NAME = stem_of("name")
_MARKS = frozenset({"gender", "sex", "birth", "dob"})


def holds_people(table: PreparedTable) -> bool:
    """Whether every row is somebody."""
    if not table.labels or not table.is_named:
        return False
    slots = {slot for column in table.columns for slot in column.slots}
    paired = any(first in slots and last in slots for first, last in _PAIRS)
    return table.slots[-1] in PEOPLE or (paired and len(table.table.primary_key) < 2) or bool(_MARKS & slots)


def people_tables(schema: SchemaIndex) -> tuple[PreparedTable, ...]:
    """The tables whose rows are people."""
    return tuple(table for table in schema.tables.values() if table.role is None and holds_people(table))


def doers(tables: Sequence[PreparedTable], tokens: Sequence[Token]) -> tuple[tuple[str, float], ...]:
    """The tables with how likely "who" means each: borrowers borrow, and staff seldom buys."""
    said = {token.stem for token in tokens}
    buying = bool(_BUYING & said)
    named = {table.name for table in tables if _is_said(table, said)}
    found = []
    for table in tables:
        staff = buying and table.slots[-1] in STAFF
        likely = 0.95 if table.name in named else 0.65 if named else 0.8
        found.append((table.name, likely - (0.2 if staff else 0.0)))
    return tuple(sorted(found, key=lambda choice: (-choice[1], choice[0])))


def _is_said(table: PreparedTable, said: Collection[str]) -> bool:
    """Whether the question has the table's word, or the verb of those who do it."""
    return table.slots[-1] in said or any(len(stem) > 3 and table.slots[-1].startswith(stem) for stem in said)


def shows_people(query: Query, schema: SchemaIndex, said: Collection[str]) -> bool:
    """Whether a query shows somebody: a name, a column of people but for figures, or a text the question (`said`) names."""
    if not isinstance(query, Select):
        return shows_people(query.left, schema, said)
    if not query.targets:
        return holds_people(schema.tables[query.base.table])
    refs = [target.expression for target in query.targets if isinstance(target.expression, ColumnRef)]
    return any(_names_people(ref, schema, said) for ref in refs)


def _names_people(ref: ColumnRef, schema: SchemaIndex, said: Collection[str]) -> bool:
    column = schema.column(ref)
    if column.is_temporal or (column.is_numeric and not column.is_key):
        return False
    named = PEOPLE.intersection(column.slots) or _NAME in column.slots or any(slot in said for slot in column.slots)
    return holds_people(schema.tables[ref.table]) or bool(column.is_text and named)
