"""Repairs for totals and groups that do not fit together, and for tables nothing ties together."""

from collections.abc import Iterator

from sqlglot import exp

from mcp_gateway.ask.recovery.joins import key_path, on_condition
from mcp_gateway.ask.recovery.patient import Patient, Proposal
from mcp_gateway.ask.scopes import Select, selects
from mcp_gateway.ask.structure import is_total_of, unconnected


def group_by_the_rest(patient: Patient) -> Iterator[Proposal]:
    """Add to GROUP BY what stands beside a total without being grouped."""
    if patient.tree is None:
        return
    tree = patient.tree.copy()
    added: list[str] = []
    for select in tree.find_all(exp.Select):
        for key in _ungrouped(select):
            select.group_by(key.copy(), copy=False)
            added.append(key.sql(dialect=patient.dialect))
    if added:
        yield Proposal(sql=tree.sql(dialect=patient.dialect), repair=f"grouped by {', '.join(dict.fromkeys(added))} as well")


def _ungrouped(select: exp.Select) -> list[exp.Expr]:
    """Projections and sort keys that are neither totals, nor constants, nor group keys already."""
    group = select.args.get("group")
    keys = list(group.expressions) if group else []
    order, having = select.args.get("order"), select.args.get("having")
    clauses = [*select.selects, *(clause for clause in (order, having) if clause is not None)]
    if not keys and not any(_holds_total(clause, select) for clause in clauses):
        return []
    grouped = {key.sql() for key in keys}
    positions = {int(key.name) for key in keys if isinstance(key, exp.Literal) and key.name.isdigit()}
    aliases = {projection.alias: projection.unalias() for projection in select.selects if isinstance(projection, exp.Alias)}
    grouped |= {aliases[name].sql() for name in grouped if name in aliases}
    wanted = [projection.unalias() for number, projection in enumerate(select.selects, start=1) if number not in positions]
    wanted += [ordered.this for ordered in order.expressions if ordered.this.name not in aliases] if order else []
    wanted += [column for column in having.find_all(exp.Column) if not column.find_ancestor(exp.AggFunc)] if having else []
    missing = [one for one in wanted if not _holds_total(one, select) and one.find(exp.Column) and one.sql() not in grouped]
    return list({one.sql(): one for one in missing if not one.is_star}.values())


def _holds_total(node: exp.Expr, select: exp.Select) -> bool:
    """Whether it totals the rows of this SELECT; a window over them counts as well, since it stands in no GROUP BY."""
    return node.find(exp.Window) is not None or any(is_total_of(found, select) for found in node.find_all(exp.AggFunc))


def move_to_having(patient: Patient) -> Iterator[Proposal]:
    """Conditions on totals go from WHERE to HAVING; the others stay."""
    if patient.tree is None:
        return
    tree = patient.tree.copy()
    moved: list[str] = []
    for select in tree.find_all(exp.Select):
        where = select.args.get("where")
        if where is None:
            continue
        conditions = list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
        over_totals = [one for one in conditions if any(is_total_of(found, select) for found in one.find_all(exp.AggFunc))]
        if not over_totals:
            continue
        stay = [one for one in conditions if one not in over_totals]
        select.set("where", exp.Where(this=exp.and_(*stay)) if stay else None)
        for condition in over_totals:
            select.having(condition.copy(), copy=False)
            moved.append(condition.sql(dialect=patient.dialect))
    if moved:
        yield Proposal(sql=tree.sql(dialect=patient.dialect), repair=f"moved {', '.join(moved)} from WHERE to HAVING")


def tie_together(patient: Patient) -> Iterator[Proposal]:
    """Join tables that stand side by side over the one key between them."""
    if patient.tree is None:
        return
    tree = patient.tree.copy()
    done: list[str] = []
    for select in selects(tree, patient.names.schema):
        done.extend(_tie(select, patient))
    if done:
        yield Proposal(sql=tree.sql(dialect=patient.dialect), repair="; ".join(done))


def _tie(select: Select, patient: Patient) -> Iterator[str]:
    for source in unconnected(select):
        paths = [
            (other.alias, path[0])
            for other in select.sources
            if other is not source and other.table and source.table
            and (path := key_path(patient.names.schema, other.table.name, source.table.name, longest=1))
        ]  # fmt: skip
        if len(paths) != 1 or not isinstance(select.node, exp.Select):
            continue
        alias, hop = paths[0]
        condition = on_condition(hop, alias, source.alias)
        join = source.node.parent if source.node else None
        if isinstance(join, exp.Join) and join.args.get("on") is None and _stands_before(alias, source.alias, select):
            join.set("on", condition)
        else:
            select.node.where(condition, copy=False)
        yield f"joined {source.alias} to {alias} over their key"


def _stands_before(alias: str, other: str, select: Select) -> bool:
    order = [source.alias for source in select.sources]
    return order.index(alias) < order.index(other)
