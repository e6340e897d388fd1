"""The step that mends a query that cannot run or finds nothing: name the fault, repair the tree, check and run again.

At most three attempts, each different, each through the same check as the first; a filter is never dropped; every attempt is
shown. An empty result is a hint, not an error. What is refused, forbidden or too slow is never rewritten.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import structlog

from mcp_gateway.ask.faults import NEVER_REWRITTEN, CheckedQuery, QueryFault
from mcp_gateway.ask.inquiry import Inquiry
from mcp_gateway.ask.model import Attempt, QueryRows
from mcp_gateway.ask.names import Names, names_of
from mcp_gateway.ask.recovery.patient import Patient, Proposal
from mcp_gateway.ask.recovery.repairs import propose
from mcp_gateway.ask.recovery.tokens import parse
from mcp_gateway.ask.recovery.values import looks_empty, respell_values
from mcp_gateway.ask.run import run_query
from mcp_gateway.ask.trace import Note
from mcp_gateway.ask.validate import check_query

_log = structlog.get_logger(__name__)
MOST_ATTEMPTS = 3
_MOST_ROUNDS = 4
# A reading less likely than this share of the first is offered, not taken.
_WORTH_TRYING = 0.5


@dataclass(slots=True)
class _Course:
    """The treatment so far. `untried` holds, newest last, each failed query with the repairs not yet tried on it."""

    attempts: list[Attempt] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    untried: list[tuple[str, QueryFault, Iterator[Proposal]]] = field(default_factory=list)

    def next_try(self) -> tuple[str, QueryFault, Proposal] | None:
        """A repair that differs from everything tried; those for the newest failure first."""
        while self.untried:
            sql, fault, proposals = self.untried[-1]
            for proposal in proposals:
                if proposal.sql not in self.seen:
                    self.seen.add(proposal.sql)
                    return sql, fault, proposal
            self.untried.pop()
        return None


class RecoverStep:
    """Mends faults of the query and misspelt values; leaves everything else alone."""

    name = "recover"

    def __init__(self, *, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds

    async def __call__(self, inquiry: Inquiry, note: Note) -> Inquiry:
        if not inquiry.runnable:
            note.skip("there is nothing to run without asking first")
            return inquiry
        if not inquiry.question.enable_recovery:
            note.skip("recovery is switched off")
            return inquiry
        if inquiry.fault is None and not (inquiry.rows is not None and looks_empty(inquiry.rows)):
            note.skip("nothing is wrong")
            return inquiry
        names = names_of(inquiry.world.schema, inquiry.world.vocabulary)
        note.input = {"fault": inquiry.fault.kind if inquiry.fault else "no_rows"}
        mended = await self._mend(inquiry, names) if inquiry.fault else inquiry
        if mended.rows is not None and looks_empty(mended.rows) and len(mended.attempts) < MOST_ATTEMPTS:
            mended = await self._respell(mended, names)
        note.output = {
            "attempts": [{"fault": one.fault, "message": one.message, "repair": one.repair} for one in mended.attempts],
            "recovered": mended.rows is not None and bool(mended.attempts),
        }
        if mended.fault is not None:
            note.fail(mended.fault.kind, mended.fault.message)
        return mended

    async def _mend(self, inquiry: Inquiry, names: Names) -> Inquiry:
        course = _Course()
        fault = inquiry.fault
        least = _WORTH_TRYING * inquiry.drafted.readings[0].confidence
        for index, reading in enumerate(inquiry.drafted.readings):
            if index > 0 and fault is not None:
                if len(course.attempts) >= MOST_ATTEMPTS or reading.confidence < least:
                    break
                previous = inquiry.drafted.readings[index - 1]
                turn = f"took the next reading: {reading.description}"
                course.attempts.append(Attempt(sql=previous.sql, fault=fault.kind, message=fault.message, repair=turn))
                result = await self._try(reading.sql, names, inquiry)
                if not isinstance(result, QueryFault):
                    return _done(inquiry, course, index, *result)
                fault = result
            mended = await self._mend_one(reading.sql, fault, names, inquiry, course) if fault else None
            if mended is not None:
                return _done(inquiry, course, index, *mended)
        return replace(inquiry, fault=fault, attempts=tuple(course.attempts))

    async def _mend_one(
        self, sql: str, fault: QueryFault, names: Names, inquiry: Inquiry, course: _Course
    ) -> tuple[CheckedQuery, QueryRows] | None:
        self._admit(sql, fault, names, inquiry, course)
        while len(course.attempts) < MOST_ATTEMPTS and (chosen := course.next_try()) is not None:
            failed_sql, failure, proposal = chosen
            settled = self._settle(proposal, names, inquiry, course)
            course.attempts.append(Attempt(sql=failed_sql, fault=failure.kind, message=failure.message, repair=settled.repair))
            result = await self._try(settled.sql, names, inquiry)
            if not isinstance(result, QueryFault):
                _log.info("query_repaired", fault=failure.kind, attempts=len(course.attempts))
                return result
            self._admit(settled.sql, result, names, inquiry, course)
        return None

    def _settle(self, proposal: Proposal, names: Names, inquiry: Inquiry, course: _Course) -> Proposal:
        """Mend what our own check still finds, before the database is asked: one typing error seldom comes alone."""
        for _ in range(_MOST_ROUNDS):
            verdict = check_query(proposal.sql, names, max_rows=inquiry.question.max_rows, typed=inquiry.typed_sql is not None)
            if verdict.fault is None:
                break
            patient = _patient(proposal.sql, verdict.fault, names, inquiry)
            further = next((one for one in propose(patient) if one.sql not in course.seen), None)
            if further is None:
                break
            course.seen.add(further.sql)
            proposal = Proposal(sql=further.sql, repair=f"{proposal.repair}; {further.repair}")
        return proposal

    def _admit(self, sql: str, fault: QueryFault, names: Names, inquiry: Inquiry, course: _Course) -> None:
        course.seen.add(sql)
        if fault.kind not in NEVER_REWRITTEN:
            course.untried.append((sql, fault, propose(_patient(sql, fault, names, inquiry))))

    async def _try(self, sql: str, names: Names, inquiry: Inquiry) -> tuple[CheckedQuery, QueryRows] | QueryFault:
        verdict = check_query(sql, names, max_rows=inquiry.question.max_rows, typed=inquiry.typed_sql is not None)
        if verdict.query is None:
            return verdict.fault or QueryFault(kind="other", message="The query did not pass the check.")
        rows = await run_query(
            inquiry.world.database, verdict.query.sql, max_rows=inquiry.question.max_rows, timeout_seconds=self._timeout_seconds
        )
        return rows if isinstance(rows, QueryFault) else (verdict.query, rows)

    async def _respell(self, inquiry: Inquiry, names: Names) -> Inquiry:
        """Keep the empty answer unless another spelling finds something."""
        query = inquiry.query
        tree = parse(query.sql, names.schema.dialect) if query else None
        if query is None or tree is None:
            return inquiry
        repair = await respell_values(tree, names, inquiry.world.database)
        if repair.proposal is not None:
            result = await self._try(repair.proposal.sql, names, inquiry)
            if not isinstance(result, QueryFault) and not looks_empty(result[1]):
                message = "The query found nothing."
                attempt = Attempt(sql=query.sql, fault="value_not_found", message=message, repair=repair.proposal.repair)
                notices = (*inquiry.notices, _as_sentence(repair.proposal.repair))
                return replace(inquiry, query=result[0], rows=result[1], attempts=(*inquiry.attempts, attempt), notices=notices)
        return replace(inquiry, notices=(*inquiry.notices, *(_as_sentence(text) for text in repair.missing)))


def _patient(sql: str, fault: QueryFault, names: Names, inquiry: Inquiry) -> Patient:
    question = "" if inquiry.typed_sql else inquiry.question.text
    return Patient(sql=sql, fault=fault, names=names, tree=parse(sql, names.schema.dialect), question=question)


def _done(inquiry: Inquiry, course: _Course, chosen: int, query: CheckedQuery, rows: QueryRows) -> Inquiry:
    attempts = tuple(course.attempts)
    return replace(inquiry, query=query, rows=rows, fault=None, attempts=attempts, chosen=chosen)


def _as_sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
