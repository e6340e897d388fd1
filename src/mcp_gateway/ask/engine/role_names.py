"""What to call the other uses of a table in a form: "manager" for employees reached over `manager_id`.

Judged by the form alone: odd instances are the rows pointed at, even ones the rows that point (see roles.py).
"""

from collections.abc import Iterator

from mcp_gateway.ask.engine.form import ColumnRef, Select, TableRef
from mcp_gateway.ask.engine.plain_names import plain, singular

_LEADS = frozenset({"manager", "boss", "supervisor", "superior", "reports", "report", "mgr", "managed", "supervised"})
_IDENTIFIES = ("id", "code", "key", "number", "no")


def roles_named(select: Select) -> dict[TableRef, str]:
    """The uses of tables that are roles, each with what it is called in the singular."""
    return dict(_named(select))


def _named(select: Select) -> Iterator[tuple[TableRef, str]]:
    for join in select.joins:
        for pair in join.pairs:
            if pair[0].table == pair[1].table:
                role = max(pair, key=lambda ref: ref.instance)
                pointing = role if role.instance % 2 == 0 else min(pair, key=lambda ref: ref.instance)
                yield role.source, role_word(pointing, above=role.instance % 2 == 1)
    if select.base.instance and not select.joins and select.base.instance % 2 == 0:
        for target in select.targets:
            if isinstance(target.expression, ColumnRef):
                yield select.base, role_word(target.expression, above=False)


def role_word(pointing: ColumnRef, *, above: bool) -> str:
    """What the row pointed at, or the rows that point, are called after the column that points."""
    words = [word for word in plain(pointing.column).split() if word not in _IDENTIFIES]
    if _LEADS.intersection(words):
        return ("superior" if words[0] in {"reports", "report"} else "manager") if above else "direct report"
    if above:
        return " ".join(words) or singular(plain(pointing.table))
    return f"child {singular(plain(pointing.table))}"
