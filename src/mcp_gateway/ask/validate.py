"""Whether a query may run: one statement that only reads, over names that exist. Decides always, whoever wrote the query.

Works on sqlglot's tree and the gathered schema, never on the database. What it cannot judge, the database will.
"""

from dataclasses import dataclass, replace

from sqlglot import exp

from mcp_gateway.ask.faults import CheckedQuery, FaultKind, QueryFault
from mcp_gateway.ask.inquiry import Inquiry
from mcp_gateway.ask.names import Names, find_name_faults, names_of
from mcp_gateway.ask.scopes import LIBRARY_FAULTS, full_name, selects
from mcp_gateway.ask.structure import find_structure_faults
from mcp_gateway.ask.trace import Note
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.sql.errors import QueryRefused, QuerySyntaxError
from mcp_gateway.core.sql.read_only import check_read_only

# The guard refuses these for not knowing them; another spelling may be one it knows.
_REWRITABLE_REFUSALS = frozenset({"unknown_function", "unknown_syntax"})


class ValidateStep:
    """Checks the drafted SQL against the gathered schema."""

    name = "validate"

    async def __call__(self, inquiry: Inquiry, note: Note) -> Inquiry:
        best = inquiry.drafted.best
        if best is None or not inquiry.drafted.confident:
            note.skip("there is nothing to run without asking first")
            return inquiry
        note.input = {"sql": best.sql, "dialect": inquiry.world.schema.dialect}
        names = names_of(inquiry.world.schema, inquiry.world.vocabulary)
        verdict = check_query(best.sql, names, max_rows=inquiry.question.max_rows, typed=inquiry.typed_sql is not None)
        if verdict.fault is not None:
            note.fail(verdict.fault.kind, verdict.fault.message)
            note.output["suggestions"] = list(verdict.fault.suggestions)
        elif verdict.query is not None:
            note.output = {"tables": list(verdict.query.tables), "limit_added": verdict.query.limit_added}
        return replace(inquiry, query=verdict.query, fault=verdict.fault)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Either a query that may run or what is wrong with it. `tree` is the parsed query, None when it cannot be parsed."""

    query: CheckedQuery | None = None
    fault: QueryFault | None = None
    tree: exp.Query | None = None


def check_query(sql: str, names: Names, *, max_rows: int, typed: bool) -> Verdict:
    """Raises `QueryRefused` for anything that does more than read: that is no fault to be repaired.

    `typed`: the user wrote the SQL. Tables side by side without a join are then taken as meant, and only warned of.
    """
    dialect = names.schema.dialect
    try:
        tree = check_read_only(sql, dialect)
    except QuerySyntaxError as error:
        return Verdict(fault=QueryFault(kind="syntax", message=error.database_message, name=error.name or ""))
    except QueryRefused as error:
        if error.reason not in _REWRITABLE_REFUSALS:
            raise
        kind: FaultKind = "unknown_function" if error.reason == "unknown_function" else "syntax"
        return Verdict(
            fault=QueryFault(kind=kind, message=error.message, name=error.name or "", suggestions=error.nearest),
        )
    try:
        return _judge(sql, tree, names, max_rows, typed=typed)
    except LIBRARY_FAULTS as error:
        return Verdict(fault=QueryFault(kind="other", message=f"The query cannot be understood: {error}."), tree=tree)


def _judge(sql: str, tree: exp.Query, names: Names, max_rows: int, *, typed: bool) -> Verdict:
    found = selects(tree, names.schema)
    findings = find_name_faults(found, names) or find_structure_faults(found, names.schema.dialect)
    faults = [finding.fault for finding in findings if not (typed and finding.fault.kind == "missing_join")]
    if faults:
        return Verdict(fault=faults[0], tree=tree)
    warnings = tuple(finding.fault.message for finding in findings)
    return Verdict(query=replace(_limited(sql, tree, names.schema, max_rows), warnings=warnings), tree=tree)


def _limited(sql: str, tree: exp.Query, schema: DatabaseSchema, max_rows: int) -> CheckedQuery:
    ctes = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
    named = {full_name(table) for table in tree.find_all(exp.Table) if isinstance(table.this, exp.Identifier)}
    tables = tuple(sorted(name for name in named if name.casefold() not in ctes))
    if not is_listing(tree):
        return CheckedQuery(sql=sql, tables=tables)
    limited = tree.limit(max_rows, copy=True).sql(dialect=schema.dialect)
    unordered = tree.copy()
    unordered.set("order", None)
    counted = exp.select(exp.Count(this=exp.Star())).from_(unordered.subquery("listing"))
    return CheckedQuery(sql=limited, tables=tables, limit_added=max_rows, count_sql=counted.sql(dialect=schema.dialect))


def is_listing(tree: exp.Query) -> bool:
    """Whether the query lists stored rows without saying how many; totals and groups are few by themselves."""
    if tree.args.get("limit") or tree.args.get("fetch"):
        return False
    if not isinstance(tree, exp.Select):
        return True
    if tree.args.get("group") or not tree.args.get("from_"):
        return False
    return not any(_is_total(projection) for projection in tree.selects)


def _is_total(projection: exp.Expr) -> bool:
    return any(not aggregate.find_ancestor(exp.Window, exp.Subquery) for aggregate in projection.find_all(exp.AggFunc))
