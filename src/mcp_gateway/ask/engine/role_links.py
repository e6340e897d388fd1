"""Words of a question that speak of a role: "their manager", "direct reports", and what is said of those rather than of the rows.

"The manager's salary" is a column of the manager, "employees with manager Ada Byron" names one; every other name and value
stays with the table itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mcp_gateway.ask.engine.form import ColumnRef
from mcp_gateway.ask.engine.linking import Links
from mcp_gateway.ask.engine.roles import Role
from mcp_gateway.ask.engine.sketch import ColumnMention, TableMention, ValueMention
from mcp_gateway.ask.engine.text import Token

_BEFORE_VALUE = frozenset({"is", "are", "was", "were", "named", "called", ":", "=", "mr", "mrs", "ms"})
_OWNERS = frozenset({"of", "the", "their", "its", "his", "her", "each", "every", "for", "a"})


def with_roles_linked(tokens: Sequence[Token], links: Links, roles: Mapping[str, Role]) -> Links:
    """The links with the roles the question speaks of; the same links where it speaks of none."""
    found = [each for each in _mentioned(tokens, roles) if not _in_a_value(each, links)]
    if not found:
        return links
    below = {roles[mention.choices[0][0]].source.table for mention in found if not roles[mention.choices[0][0]].above}
    tables = dict(links.tables)
    above: list[TableMention] = []
    for named in found:
        role = roles[named.choices[0][0]]
        # A manager counted with reports is one of the rows themselves.
        own = role.above and role.source.table in below
        mention = replace(named, choices=((role.source.table, 0.95),)) if own else named
        if role.above and not own:
            above.append(mention)
        others = tuple(other for other in tables.get(mention.start, ()) if other.end > mention.end)
        tables[mention.start] = (*others, mention)
        for inside in range(mention.start + 1, mention.end):
            tables[inside] = ()
    columns = {start: tuple(_of_role(tokens, each, above, roles) for each in many) for start, many in links.columns.items()}
    return replace(links, tables=tables, columns=columns, values=_named(tokens, links.values, above, roles))


def _in_a_value(mention: TableMention, links: Links) -> bool:
    """Whether the word is a part of a stored value ("regional managers")."""
    return any(
        value.start <= mention.start and value.end >= mention.end and value.end - value.start > mention.end - mention.start
        for many in links.values.values()
        for value in many
    )


def _mentioned(tokens: Sequence[Token], roles: Mapping[str, Role]) -> list[TableMention]:
    found: list[TableMention] = []
    place = 0
    while place < len(tokens):
        ends = [
            (place + len(phrase), role.name)
            for role in roles.values()
            for phrase in role.phrases
            if tokens[place].kind == "word" and tuple(token.stem for token in tokens[place : place + len(phrase)]) == phrase
        ]
        longest = max((end for end, _ in ends), default=place)
        if ends:
            named = sorted(dict.fromkeys(name for end, name in ends if end == longest))
            found.append(TableMention(place, longest, tuple((name, 1.0) for name in named)))
        place = max(longest, place + 1)
    return found


def _of_role(
    tokens: Sequence[Token], column: ColumnMention, above: Sequence[TableMention], roles: Mapping[str, Role]
) -> ColumnMention:
    """The mention, of the role where the words say so."""
    for mention in above:
        role = roles[mention.choices[0][0]]
        between = {token.low for token in tokens[mention.end : column.start]}
        if mention.end <= column.start and between <= {"'s", "'"} and column.start - mention.end <= 1:
            return _moved(column, role)
        between = {token.low for token in tokens[column.end : mention.start]}
        if column.end < mention.start and between <= _OWNERS and "of" in between:
            return _moved(column, role)
    return column


def _moved(column: ColumnMention, role: Role) -> ColumnMention:
    kept = tuple(each for each in column.choices if each.column.table == role.source.table)
    made = tuple(replace(each, column=ColumnRef(role.name, each.column.column)) for each in kept)
    return replace(column, choices=made) if made else column


def _named(
    tokens: Sequence[Token],
    values: Mapping[int, tuple[ValueMention, ...]],
    above: Sequence[TableMention],
    roles: Mapping[str, Role],
) -> dict[int, tuple[ValueMention, ...]]:
    """The values, those right behind a role as values of it."""
    made = dict(values)
    for mention in above:
        role, place = roles[mention.choices[0][0]], mention.end
        while place < len(tokens) and tokens[place].low in _BEFORE_VALUE:
            place += 1
        while made.get(place):
            theirs = tuple(each for each in (_value_of(value, role) for value in made[place]) if each is not None)
            if not theirs:
                break
            made[place] = theirs
            place = max(each.end for each in theirs)
    return made


def _value_of(value: ValueMention, role: Role) -> ValueMention | None:
    kept = tuple(each for each in value.choices if each.column.table == role.source.table)
    made = tuple(replace(each, column=ColumnRef(role.name, each.column.column)) for each in kept)
    return replace(value, choices=made) if made else None
