"""Repairs for names that mean nothing, or more than one thing: the nearest real name in reach, else the table that has it."""

from collections.abc import Iterator

from sqlglot import exp

from mcp_gateway.ask.names import Finding, find_name_faults, has_column
from mcp_gateway.ask.nearest import LIKELY, NearName, clear_winner, nearest
from mcp_gateway.ask.recovery.joins import Hop, add_joins, nearest_way
from mcp_gateway.ask.recovery.patient import Patient, Proposal
from mcp_gateway.ask.recovery.tokens import repair_keywords
from mcp_gateway.ask.scopes import Select, Source, selects

# A column that is called exactly so in a table nearby beats a merely similar one in reach.
_BEATS_A_JOIN = 0.83


def repair_names(patient: Patient) -> Iterator[Proposal]:
    """Every wrong name that has one clear answer, together; else nothing. A word that is nearly a keyword is tried last."""
    if patient.tree is not None:
        tree = patient.tree.copy()
        done: list[str] = []
        for finding in find_name_faults(selects(tree, patient.names.schema), patient.names):
            words = _repair(finding, patient)
            if words and words not in done:
                done.append(words)
        if done:
            yield Proposal(sql=tree.sql(dialect=patient.dialect), repair="; ".join(done))
    yield from repair_keywords(patient)


def _repair(finding: Finding, patient: Patient) -> str | None:
    """Mend one name in place and say how; None when no answer is clear."""
    node = finding.node
    if isinstance(node, exp.Table):
        return _rename_table(node, patient)
    if not isinstance(node, exp.Column):
        return None
    match finding.fault.kind:
        case "unknown_alias":
            return _mend_alias(node, finding.select, patient)
        case "ambiguous_column":
            return _qualify(node, finding.select, patient)
        case _:
            return _mend_column(node, finding.select, patient)


def _rename_table(node: exp.Table, patient: Patient) -> str | None:
    names = patient.names
    real = clear_winner(
        nearest(node.name, (table.name for table in names.schema.tables), names.table_synonyms), patient.mentioned
    )
    real = real or _table_by_columns(node, patient)
    if real is None:
        return None
    wrong = node.name
    parent = node.parent_select
    if not node.alias and parent is not None:
        for column in parent.find_all(exp.Column):
            if column.table.casefold() == wrong.casefold():
                column.set("table", exp.to_identifier(real.rpartition(".")[2]))
    new = exp.to_table(real)
    node.set("this", new.this)
    node.set("db", new.args.get("db"))
    return f"read table {wrong} as {real}"


def _table_by_columns(node: exp.Table, patient: Patient) -> str | None:
    """The one table that has all the columns the query takes from the unknown one, if they are at least two."""
    select = node.parent_select
    if select is None:
        return None
    alias = node.alias_or_name.casefold()
    alone = not select.args.get("joins")
    wanted = {
        column.name for column in select.find_all(exp.Column) if column.table.casefold() == alias or (alone and not column.table)
    }
    holders = [table.name for table in patient.names.schema.tables if all(table.column(name) for name in wanted)]
    return holders[0] if len(wanted) >= 2 and len(holders) == 1 else None


def _mend_alias(column: exp.Column, select: Select, patient: Patient) -> str | None:
    """`x.amount` where nothing is called x: the source that was meant, or the table to be joined in."""
    wrong = column.table
    by_table = [source for source in select.sources if source.table and source.table.name.casefold() == wrong.casefold()]
    if len(by_table) == 1:
        return _set_alias(column, by_table[0], wrong)
    holders = [source for source in select.sources if has_column(source, column.name)]
    near = _near_alias(wrong, holders)
    if near is not None:
        return _set_alias(column, near, wrong)
    if patient.names.schema.table(wrong) is None:
        holders = _across(column, holders)
        if len(holders) == 1:
            return _join_itself(column, holders[0], select) or _set_alias(column, holders[0], wrong)
    return _join_in(column, select, patient, alias=wrong)


def _join_itself(column: exp.Column, source: Source, select: Select) -> str | None:
    """`m.name` beside `e.name`, where employees have managers who are employees: the table is meant a second time."""
    table = source.table
    if table is None or not isinstance(select.node, exp.Select) or not _is_used(source, column, select):
        return None
    loops = [key for key in table.foreign_keys if key.target_table == table.name]
    if len(loops) != 1:
        return None
    hop = Hop(table=table.name, columns=loops[0].columns, target=table.name, target_columns=loops[0].target_columns)
    if not any(found.alias_or_name == column.table for found in select.node.find_all(exp.Table)):
        add_joins(select.node, source.alias, (hop,), column.table)
    return f"joined {table.name} to itself for {column.table}.{column.name}"


def _is_used(source: Source, column: exp.Column, select: Select) -> bool:
    """Whether the source's column of this name stands elsewhere in the SELECT."""
    return any(
        other is not column
        and (other.table.casefold(), other.name.casefold()) == (source.alias.casefold(), column.name.casefold())
        for other in select.columns
    )


def _near_alias(wrong: str, holders: list[Source]) -> Source | None:
    """The one holder called nearly so; for aliases of a letter or two a shared beginning has to do."""
    near = clear_winner(nearest(wrong, (source.alias for source in holders)))
    if near is not None:
        return next(source for source in holders if source.alias == near)
    short = [source for source in holders if _starts_alike(source.alias.casefold(), wrong.casefold())]
    return short[0] if len(short) == 1 else None


def _starts_alike(alias: str, wrong: str) -> bool:
    return len(alias) <= 3 and (wrong.startswith(alias) or alias.startswith(wrong))


def _across(column: exp.Column, holders: list[Source]) -> list[Source]:
    """In `a.x = ?.y` the unknown side is not a: nobody compares a row with itself."""
    parent = column.parent
    if not isinstance(parent, exp.EQ):
        return holders
    other = parent.expression if parent.this is column else parent.this
    if not isinstance(other, exp.Column) or not other.table:
        return holders
    return [source for source in holders if source.alias.casefold() != other.table.casefold()]


def _set_alias(column: exp.Column, source: Source, wrong: str) -> str:
    column.set("table", exp.to_identifier(source.alias))
    return f"read {wrong}.{column.name} as {source.alias}.{column.name}"


def _qualify(column: exp.Column, select: Select, patient: Patient) -> str | None:
    """The table of the best link: the one the question names, else the one other columns beside it come from."""
    holders = _across(column, [source for source in select.sources if has_column(source, column.name)])
    if len(holders) == 1:
        return _set_qualifier(column, holders[0])
    if len({source.table.name for source in holders if source.table}) == 1:
        holders = [source for source in holders if not _is_used(source, column, select)] or holders
    named = [source for source in holders if source.table and _is_mentioned(source.table.name, patient)]
    if len(named) == 1:
        return _set_qualifier(column, named[0])
    keyed = [
        source for source in holders if source.table and column.name.casefold() in map(str.casefold, source.table.primary_key)
    ]
    chosen = keyed[0] if len(keyed) == 1 else holders[0]
    return _set_qualifier(column, chosen)


def _set_qualifier(column: exp.Column, source: Source) -> str:
    column.set("table", exp.to_identifier(source.alias))
    return f"took {column.name} from {source.alias}"


def _is_mentioned(name: str, patient: Patient) -> bool:
    return bool(nearest(name, patient.mentioned)) and nearest(name, patient.mentioned)[0].score >= LIKELY


def _mend_column(column: exp.Column, select: Select, patient: Patient) -> str | None:
    """The nearest column in reach; a table nearby that has exactly this name wins over a weak likeness."""
    sources = [select.source(column.table)] if column.table else list(select.sources)
    in_reach = [source for source in sources if source is not None and source.columns]
    near = _near_columns(column.name, in_reach, patient)
    best = near[0].score if near else 0.0
    if best < _BEATS_A_JOIN:
        elsewhere = _in_another_source(column, select) or _join_in(column, select, patient)
        if elsewhere:
            return elsewhere
    winner = clear_winner(near, patient.mentioned)
    if winner is None:
        return None
    alias, _, name = winner.rpartition(".")
    wrong = column.name
    column.set("this", exp.to_identifier(name, quoted=bool(column.this.args.get("quoted"))))
    if not column.table and len(select.sources) > 1:
        column.set("table", exp.to_identifier(alias))
    return f"read column {wrong} as {name}"


def _near_columns(wrong: str, sources: list[Source], patient: Patient) -> tuple[NearName, ...]:
    near: list[NearName] = []
    for source in sources:
        table = source.table.name if source.table else ""
        synonyms = {name: patient.names.column_synonyms.get((table, name), ()) for name in source.columns or ()}
        near.extend(
            NearName(name=f"{source.alias}.{found.name}", score=found.score)
            for found in nearest(wrong, source.columns or (), synonyms)
        )
    return tuple(sorted(near, key=lambda found: -found.score))


def _in_another_source(column: exp.Column, select: Select) -> str | None:
    """`a.name` where only b, also in FROM, has a name."""
    holders = [source for source in select.sources if has_column(source, column.name)]
    if column.table and len(holders) == 1:
        return _set_alias(column, holders[0], column.table)
    return None


def _join_in(column: exp.Column, select: Select, patient: Patient, alias: str = "") -> str | None:
    """Join the table that has this column, when only one is so near."""
    schema = patient.names.schema
    present = {source.table.name for source in select.sources if source.table}
    holders = [table.name for table in schema.tables if table.name not in present and table.column(column.name)]
    if alias:
        called = [name for name in holders if name.casefold() == alias.casefold()]
        initial = [name for name in holders if name.casefold().startswith(alias.casefold())]
        holders = called or initial or holders
    ways = {name: way for name in holders if (way := nearest_way(schema, select, name)) is not None}
    if not ways or not isinstance(select.node, exp.Select):
        return None
    shortest = min(len(way[1]) for way in ways.values())
    near = [name for name, way in ways.items() if len(way[1]) == shortest]
    if len(near) != 1:
        near = [name for name in near if _is_mentioned(name, patient)]
    if len(near) != 1:
        return None
    goal = near[0]
    start, path = ways[goal]
    called_as = alias if alias and alias.casefold() != goal.casefold() else goal.rpartition(".")[2]
    if not any(table.alias_or_name == called_as for table in select.node.find_all(exp.Table)):
        add_joins(select.node, start, path, called_as)
    column.set("table", exp.to_identifier(called_as))
    return f"joined {goal} for its column {column.name}"
