"""Which repairs are tried for which fault, likeliest first."""

from collections.abc import Iterator, Mapping

from sqlglot import exp

from mcp_gateway.ask.faults import FaultKind
from mcp_gateway.ask.recovery.dialects import print_anew, quote_everything, rename_function
from mcp_gateway.ask.recovery.grouping import group_by_the_rest, move_to_having, tie_together
from mcp_gateway.ask.recovery.patient import Patient, Proposal, Repair
from mcp_gateway.ask.recovery.tokens import parse, repair_text
from mcp_gateway.ask.recovery.types import fit_types
from mcp_gateway.ask.recovery.wrong_names import repair_names
from mcp_gateway.ask.scopes import LIBRARY_FAULTS

_REPAIRS: Mapping[FaultKind, tuple[Repair, ...]] = {
    "unknown_table": (repair_names,),
    "unknown_column": (repair_names, group_by_the_rest),
    "unknown_alias": (repair_names,),
    "ambiguous_column": (repair_names,),
    "missing_join": (tie_together,),
    "not_grouped": (group_by_the_rest, move_to_having),
    "misplaced_aggregate": (move_to_having,),
    "type_mismatch": (fit_types, print_anew),
    "unknown_function": (print_anew, rename_function, fit_types),
    # Brackets and keywords first: another dialect may read a typo as something it is not.
    "syntax": (repair_text, print_anew, quote_everything),
    "other": (move_to_having, group_by_the_rest, fit_types, print_anew, quote_everything),
}


def propose(patient: Patient) -> Iterator[Proposal]:
    """Every repair that keeps each filter the query has; lazily, since the first often does."""
    before = _filters(patient.tree)
    for repair in _REPAIRS.get(patient.fault.kind, ()):
        try:
            for proposal in repair(patient):
                if patient.tree is None or _filters(parse(proposal.sql, patient.dialect)) >= before:
                    yield proposal
        except LIBRARY_FAULTS:
            continue


def _filters(tree: exp.Expr | None) -> int:
    """How many conditions name a value; a repair must not get rid of any."""
    if tree is None:
        return 0
    conditions = (exp.Predicate, exp.In, exp.Between)
    return sum(1 for node in tree.find_all(*conditions) if node.find(exp.Literal) and not isinstance(node, exp.SubqueryPredicate))
