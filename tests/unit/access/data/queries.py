"""Random queries over a few tables, and random policies about them, for tests that compare two databases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from mcp_gateway.access.policy.build import Statements
from mcp_gateway.access.policy.model import ACTIONS, CallerValue, Operator, RowFilter, Rule, Scalar

Value: TypeAlias = int | str | None
Row: TypeAlias = tuple[Value, ...]

NUMBERS = ("id", "k", "v")
TEXTS = ("s", "place")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "a": ("id", "k", "v", "s"),
    "b": ("id", "k", "place"),
    "c": ("id", "v", "s", "place"),
    "Wide": ("id", "k", "v", "s", "place"),
}
WORDS = ("x", "y", "12", "z'q", None)


def rows_of(table: str) -> list[Row]:
    """Eight rows, the same ones always, with repeated values and NULLs."""
    return [
        tuple(
            None if (number + len(table)) % 5 == 4 and name != "id" else
            number if name == "id" else (number * 7 + len(name)) % 4 if name in NUMBERS else WORDS[(number + len(name)) % 4]
            for name in COLUMNS[table]
        )
        for number in range(8)
    ]  # fmt: skip


@dataclass
class _Scope:
    """What may be named at a place: aliases with their columns, and queries of WITH."""

    ctes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    outer: dict[str, tuple[str, ...]] = field(default_factory=dict)


@st.composite
def statements(draw: DrawFn) -> Statements:
    """Denied tables and columns, and row filters with values of every kind."""
    tables = draw(st.sampled_from(((), (), ("a",), ("Wide",))))
    every = [f"{table}.{name}" for table, names in COLUMNS.items() for name in names]
    columns = draw(st.sets(st.sampled_from(every), max_size=4))
    filters = draw(st.lists(st.tuples(st.sampled_from(sorted(COLUMNS)), st.sampled_from(("k", "v", "s", "place"))), max_size=3))
    rules = [
        *([Rule(id="tables", effect="deny", actions=frozenset(ACTIONS), tables=tables)] if tables else []),
        *([Rule(id="columns", effect="deny", actions=frozenset(ACTIONS), columns=tuple(sorted(columns)))] if columns else []),
    ]
    return Statements(rules=tuple(rules), row_filters=tuple(draw(_filter(f"f{at}", *one)) for at, one in enumerate(filters)))


@st.composite
def _filter(draw: DrawFn, name: str, table: str, column: str) -> RowFilter:
    operators: tuple[Operator, ...] = ("=", "!=", "in", "not in", "<", "<=", ">", ">=", "is null", "is not null")
    operator = draw(st.sampled_from(operators))
    value: Scalar | tuple[Scalar, ...] | CallerValue | None
    values: st.SearchStrategy[Scalar] = (
        st.integers(0, 4) if column in NUMBERS else st.sampled_from(("x", "y", "12", "z'q", "absent"))
    )
    if operator in ("is null", "is not null"):
        value = None
    elif operator in ("in", "not in"):
        value = tuple(draw(st.lists(values, min_size=1, max_size=3)))
    else:
        value = draw(st.one_of(values, st.sampled_from((CallerValue(attribute="said"), CallerValue(attribute="missing")))))
    return RowFilter(id=name, tables=(table,), column=column, operator=operator, value=value)


@st.composite
def queries(draw: DrawFn, depth: int = 2) -> str:
    """A query that every row of the result is decided for, so that two databases must agree."""
    return draw(_query(depth, _Scope()))[0]


@st.composite
def _query(draw: DrawFn, depth: int, scope: _Scope) -> tuple[str, tuple[str, ...]]:
    """The text and the names of its columns."""
    prefix = ""
    if depth > 0 and draw(st.integers(0, 3)) == 0:
        inner, names = draw(_query(depth - 1, scope))
        name = draw(st.sampled_from(("a", "b", "q", "Wide")))
        prefix = f'WITH "{name}" AS ({inner}) '
        scope = _Scope(ctes={**scope.ctes, name.casefold(): names}, outer=scope.outer)
    select, names = draw(_select(depth, scope))
    if depth > 0 and draw(st.integers(0, 4)) == 0:
        other, _ = draw(_select(depth - 1, scope))
        link = draw(st.sampled_from(("UNION", "UNION ALL", "EXCEPT", "INTERSECT")))
        select = f"SELECT {_count(names)} FROM ({select}) AS l {link} SELECT {_count(('r',))} FROM ({other}) AS r"
        return f"{prefix}{select}", ("n",)
    return f"{prefix}{select}", names


def _count(names: Sequence[str]) -> str:
    return f"COUNT(*) + {len(names) % 2} AS n"


@st.composite
def _select(draw: DrawFn, depth: int, scope: _Scope) -> tuple[str, tuple[str, ...]]:
    sources: dict[str, tuple[str, ...]] = {}
    parts = []
    for place in range(draw(st.integers(1, 2))):
        text, columns = draw(_source(depth, scope))
        alias = draw(st.sampled_from(("a", "b", "t", "u", "o"))) if place == 0 else f"j{depth}"
        sources[alias] = columns
        parts.append(f"{text} AS {alias}" if place == 0 else draw(_join(text, alias, sources)))
    visible = {**scope.outer, **sources}
    where = f" WHERE {draw(_condition(depth, scope, visible))}" if draw(st.booleans()) else ""
    outputs, names, tail = draw(_outputs(depth, scope, sources))
    return f"SELECT {outputs} FROM {' '.join(parts)}{where}{tail}", names


@st.composite
def _source(draw: DrawFn, depth: int, scope: _Scope) -> tuple[str, tuple[str, ...]]:
    if depth > 0 and draw(st.integers(0, 3)) == 0:
        text, names = draw(_query(depth - 1, scope))
        return f"({text})", names
    name = draw(st.sampled_from(sorted(COLUMNS)))
    written = draw(st.sampled_from((f'"{name}"', name, name.upper(), f"main.{name}")))
    cte = scope.ctes.get(name.casefold()) if not written.startswith("main.") else None
    return written, cte or COLUMNS[name]


@st.composite
def _join(draw: DrawFn, text: str, alias: str, sources: Mapping[str, tuple[str, ...]]) -> str:
    first = next(iter(sources))
    shared = sorted(set(sources[first]) & set(sources[alias]) & {*NUMBERS, *TEXTS})
    kind = draw(st.sampled_from(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")))
    if not shared:
        return f"CROSS JOIN {text} AS {alias}"
    column = draw(st.sampled_from(shared))
    if draw(st.booleans()):
        return f"{kind} {text} AS {alias} USING ({column})"
    return f"{kind} {text} AS {alias} ON {first}.{column} = {alias}.{column}"


@st.composite
def _condition(draw: DrawFn, depth: int, scope: _Scope, visible: Mapping[str, tuple[str, ...]]) -> str:
    alias = draw(st.sampled_from(sorted(visible)))
    column = draw(st.sampled_from(visible[alias]))
    reference = f"{alias}.{column}"
    plain = f"{reference} IS NOT NULL" if column not in NUMBERS else f"{reference} > {draw(st.integers(0, 5))}"
    if column in TEXTS:
        written = (f"{reference} = 'x'", f"{reference} LIKE '%1%'", f"TRY_CAST({reference} AS INTEGER) > 1")
        plain = draw(st.sampled_from(written))
    if depth <= 0 or draw(st.booleans()):
        return plain
    inner, _ = draw(_select(depth - 1, _Scope(ctes=scope.ctes, outer={alias: visible[alias]})))
    negated = draw(st.sampled_from(("", "NOT ")))
    return f"({plain} OR {negated}EXISTS ({inner}))"


@st.composite
def _outputs(draw: DrawFn, depth: int, scope: _Scope, sources: Mapping[str, tuple[str, ...]]) -> tuple[str, tuple[str, ...], str]:
    alias = next(iter(sources))
    columns = sources[alias]
    column = draw(st.sampled_from(columns))
    match draw(st.integers(0, 6)):
        case 0:
            return "*", ("every",) if len(sources) > 1 else columns, ""
        case 1:
            return f"{alias}.*", columns, ""
        case 2:
            return "COUNT(*) AS n", ("n",), ""
        case 3:
            return f"{alias}.{column} AS g, COUNT(*) AS n", ("g", "n"), f" GROUP BY {alias}.{column}"
        case 4 if depth > 0:
            inner, _ = draw(_select(depth - 1, _Scope(ctes=scope.ctes, outer={alias: columns})))
            return f"{alias}.{column}, (SELECT COUNT(*) FROM ({inner}) AS z) AS n", (column, "n"), ""
        case 5:
            return f"{alias} AS whole", ("whole",), ""
        case _:
            return f"{alias}.{column}, MAX({alias}.{column}) OVER () AS most", (column, "most"), ""
