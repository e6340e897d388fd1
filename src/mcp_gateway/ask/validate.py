"""Whether a query may run: one statement that only reads, over names that exist. Decides always, whoever wrote the query.

Works on sqlglot's tree and the gathered schema, never on the database. What it cannot judge, the database will.
"""

from dataclasses import dataclass, replace

from sqlglot import exp

from mcp_gateway.ask.documents import Remembered
from mcp_gateway.ask.faults import CheckedQuery, FaultKind, QueryFault
from mcp_gateway.ask.inquiry import Inquiry
from mcp_gateway.ask.names import Names, find_name_faults, names_of
from mcp_gateway.ask.scopes import LIBRARY_FAULTS, full_name, selects
from mcp_gateway.ask.structure import find_structure_faults
from mcp_gateway.ask.trace import Note
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.sql.errors import QueryRefused, QuerySyntaxError
from mcp_gateway.core.sql.read_only import check_read_only
from mcp_gateway.core.vocabulary import Vocabulary

# The guard refuses these for not knowing them; another spelling may be one it knows.
_KEPT_VERDICTS = 512
_REWRITABLE_REFUSALS = frozenset({"unknown_function", "unknown_syntax"})


class ValidateStep:
    """Checks the drafted SQL against the gathered schema. What passed once passes again while schema and words are the same."""

    name = "validate"

    def __init__(self) -> None:
        # Each value keeps alive what the identities in its key stand for.
        self._names: Remembered[tuple[Names, Vocabulary]] = Remembered()
        self._verdicts: Remembered[tuple[Verdict, Names]] = Remembered(_KEPT_VERDICTS)

    async def __call__(self, inquiry: Inquiry, note: Note) -> Inquiry:
        best = inquiry.drafted.best
        if best is None or not inquiry.drafted.confident:
            note.skip("there is nothing to run without asking first")
            return inquiry
        note.input = {"sql": best.sql, "dialect": inquiry.world.schema.dialect}
        verdict = self._check(best.sql, inquiry)
        if verdict.fault is not None:
            note.fail(verdict.fault.kind, verdict.fault.message)
            note.output["suggestions"] = list(verdict.fault.suggestions)
        elif verdict.query is not None:
            note.output = {"tables": list(verdict.query.tables), "limit_added": verdict.query.limit_added}
        return replace(inquiry, query=verdict.query, fault=verdict.fault)

    def _check(self, sql: str, inquiry: Inquiry) -> "Verdict":
        schema, vocabulary = inquiry.world.schema, inquiry.world.vocabulary
        names, _ = self._names.get((id(schema), id(vocabulary)), lambda: (names_of(schema, vocabulary), vocabulary))
        max_rows, typed = inquiry.question.max_rows, inquiry.typed_sql is not None
        verdict, _ = self._verdicts.get(
            (sql, id(names), max_rows, typed), lambda: (check_query(sql, names, max_rows=max_rows, typed=typed), names)
        )
        return verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Either a query that may run or what is wrong with it."""

    query: CheckedQuery | None = None
    fault: QueryFault | None = None


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
        return Verdict(fault=QueryFault(kind="other", message=f"The query cannot be understood: {error}."))


def _judge(sql: str, tree: exp.Query, names: Names, max_rows: int, *, typed: bool) -> Verdict:
    found = selects(tree, names.schema)
    findings = find_name_faults(found, names) or find_structure_faults(found, names.schema.dialect)
    faults = [finding.fault for finding in findings if not (typed and finding.fault.kind == "missing_join")]
    if faults:
        return Verdict(fault=faults[0])
    warnings = tuple(finding.fault.message for finding in findings)
    return Verdict(query=replace(_limited(sql, tree, names.schema, max_rows), warnings=warnings))


def _limited(sql: str, tree: exp.Query, schema: DatabaseSchema, max_rows: int) -> CheckedQuery:
    ctes = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
    named = {full_name(table) for table in tree.find_all(exp.Table) if isinstance(table.this, exp.Identifier)}
    tables = tuple(sorted(name for name in named if name.casefold() not in ctes))
    totals = tree.find(exp.AggFunc) is not None
    if not is_listing(tree):
        return CheckedQuery(sql=sql, tables=tables, is_summary=totals or _is_ranking(tree))
    limited = tree.limit(max_rows, copy=True)
    summary = totals or _is_ranking(limited)
    return CheckedQuery(
        sql=limited.sql(dialect=schema.dialect, copy=False), tables=tables, limit_added=max_rows, is_summary=summary
    )


def _is_ranking(tree: exp.Query) -> bool:
    return tree.args.get("order") is not None and tree.args.get("limit") is not None


def counting(query: CheckedQuery, dialect: str) -> str:
    """The query that counts all rows of one on which a limit was put."""
    tree = check_read_only(query.sql, dialect)
    for part in ("limit", "order"):
        tree.set(part, None)
    return exp.select(exp.Count(this=exp.Star())).from_(tree.subquery("listing")).sql(dialect=dialect)


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
