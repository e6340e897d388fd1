"""Ways to break a right query, one fault at a time, as people and models do. Each returns None where it does not apply."""

import random
import re
from collections.abc import Callable, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

Break = Callable[[exp.Query, str, random.Random], str | None]

# Everyday other words for common names. Kept apart from the product's own lists on purpose: this is the test, not the cure.
OTHER_WORDS: Mapping[str, tuple[str, ...]] = {
    "customer": ("client", "buyer"), "product": ("item", "article"), "employee": ("worker", "staff"), "country": ("nation",),
    "city": ("town",), "price": ("cost",), "amount": ("sum",), "quantity": ("qty",), "name": ("title",), "salary": ("pay",),
    "order": ("purchase",), "category": ("class",), "region": ("area",), "phone": ("telephone",), "email": ("mail",),
    "student": ("pupil",), "teacher": ("instructor",), "car": ("automobile",), "film": ("movie",), "street": ("road",),
    "birth": ("born",), "weight": ("mass",), "number": ("no",), "address": ("location",), "year": ("yr",), "rating": ("score",),
}  # fmt: skip
_FOREIGN = ("mysql", "tsql", "postgres", "snowflake", "bigquery", "oracle", "sqlite", "duckdb")
_KEYWORDS = ("SELECT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "JOIN", "DISTINCT")


def misspell(word: str, chance: random.Random) -> str:
    """One or two slips of the finger, never at the first letter."""
    for _ in range(chance.choice((1, 1, 2)) if len(word) > 5 else 1):
        if len(word) < 3:
            return word + "x"
        at = chance.randrange(1, len(word) - 1)
        kind = chance.choice(("swap", "drop", "double", "other"))
        if kind == "swap":
            word = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        elif kind == "drop":
            word = word[:at] + word[at + 1 :]
        elif kind == "double":
            word = word[:at] + word[at] + word[at:]
        else:
            word = word[:at] + chance.choice("aeioustrnl") + word[at + 1 :]
    return word


def misspelt_table(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    return _rename_table(tree, dialect, chance, lambda name: misspell(name, chance))


def misspelt_column(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    return _rename_column(tree, dialect, chance, lambda name: misspell(name, chance))


def synonym(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    """Another word in a table's or column's name."""
    rename = chance.choice((_rename_table, _rename_column))
    other = _rename_column if rename is _rename_table else _rename_table
    return rename(tree, dialect, chance, lambda name: _other_word(name, chance)) or other(
        tree, dialect, chance, lambda name: _other_word(name, chance)
    )


def dropped_qualifier(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    """`p.id` becomes `id`."""
    tree = tree.copy()
    qualified = [column for column in tree.find_all(exp.Column) if column.table]
    if not qualified or len({column.table for column in qualified}) < 2:
        return None
    chance.choice(qualified).set("table", None)
    return tree.sql(dialect=dialect)


def dropped_join(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    """A table in use is no longer joined."""
    tree = tree.copy()
    joins = [
        join
        for join in tree.find_all(exp.Join)
        if any(column.table == join.alias_or_name and not column.find_ancestor(exp.Join) for column in tree.find_all(exp.Column))
    ]
    last = [join for join in joins if join.parent and join.parent.args["joins"][-1] is join]
    if not last:
        return None
    chance.choice(last).pop()
    return tree.sql(dialect=dialect)


def renamed_alias(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    """A table's alias is called otherwise in one place."""
    tree = tree.copy()
    qualified = [column for column in tree.find_all(exp.Column) if column.table]
    if not qualified:
        return None
    column = chance.choice(qualified)
    wrong = f"{column.table[0]}x" if len(column.table) < 3 else misspell(column.table, chance)
    column.set("table", exp.to_identifier(wrong))
    return tree.sql(dialect=dialect)


def lost_group_key(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    tree = tree.copy()
    groups = [group for group in tree.find_all(exp.Group) if group.expressions and group.expressions[0].find(exp.Column)]
    if not groups:
        return None
    group = chance.choice(groups)
    chance.choice(group.expressions).pop()
    if not group.expressions:
        group.pop()
    return tree.sql(dialect=dialect)


def total_in_where(tree: exp.Query, dialect: str, _chance: random.Random) -> str | None:
    """HAVING becomes WHERE."""
    tree = tree.copy()
    for select in tree.find_all(exp.Select):
        having = select.args.get("having")
        if having is not None:
            select.set("having", None)
            select.where(having.this, copy=False)
            return tree.sql(dialect=dialect)
    return None


def foreign_dialect(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    """The query as another database would want it."""
    here = tree.sql(dialect=dialect)
    others = [printed for other in _FOREIGN if other != dialect and (printed := _printed(tree, other)) and printed != here]
    return chance.choice(others) if others else None


def foreign_function(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    """One common function under the name it has elsewhere."""
    sql = tree.sql(dialect=dialect)
    names = {"LENGTH": "LEN", "COALESCE": "NVL", "SUBSTRING": "SUBSTR", "UPPER": "UCASE", "LOWER": "LCASE", "AVG": "MEAN",
             "COUNT": "CUONT", "SUM": "SUMM", "STRFTIME": "DATE_FORMAT", "DATE_TRUNC": "TRUNC", "ROUND": "RUOND"}  # fmt: skip
    present = [name for name in names if f"{name}(" in sql]
    if not present:
        return None
    name = chance.choice(present)
    return sql.replace(f"{name}(", f"{names[name]}(", 1)


def wrong_case_value(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    return _change_text(tree, dialect, chance, lambda text: text.swapcase() if text[:1].isalpha() else None)


def misspelt_value(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    return _change_text(tree, dialect, chance, lambda text: misspell(text, chance) if len(text) > 4 and text.isalpha() else None)


def formatted_number(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    """A number in quotes, with its thousands marked as people write them."""
    tree = tree.copy()
    numbers = [
        literal for literal in tree.find_all(exp.Literal) if not literal.is_string and isinstance(literal.parent, exp.Predicate)
    ]
    if not numbers:
        return None
    number = chance.choice(numbers)
    whole = number.this.isdigit() and int(number.this) >= 1000
    number.replace(exp.Literal.string(f"{int(number.this):,}" if whole else f" {number.this}"))
    return tree.sql(dialect=dialect)


def foreign_date(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    """A day written with slashes."""
    tree = tree.copy()
    days = [
        literal
        for literal in tree.find_all(exp.Literal)
        if literal.is_string and re.fullmatch(r"\d{4}-\d{2}-\d{2}", literal.this)
    ]
    if not days:
        return None
    day = chance.choice(days)
    day.replace(exp.Literal.string(day.this.replace("-", "/")))
    return tree.sql(dialect=dialect)


def lost_bracket(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    sql = tree.sql(dialect=dialect)
    brackets = [at for at, char in enumerate(sql) if char in "()"]
    if not brackets:
        return None
    at = chance.choice(brackets)
    return sql[:at] + sql[at + 1 :]


def misspelt_keyword(tree: exp.Query, dialect: str, chance: random.Random) -> str | None:
    sql = tree.sql(dialect=dialect)
    present = [found for found in re.finditer(r"\b[A-Z]+\b", sql) if found.group() in _KEYWORDS]
    if not present:
        return None
    found = chance.choice(present)
    word = found.group()
    at = chance.randrange(1, len(word) - 1)
    wrong = chance.choice((word[:at] + word[at + 1] + word[at] + word[at + 2 :], word[:at] + word[at + 1 :]))
    return sql[: found.start()] + wrong + sql[found.end() :]


FAULTS: Mapping[str, Break] = {
    "misspelt table": misspelt_table,
    "misspelt column": misspelt_column,
    "other word for a name": synonym,
    "dropped qualifier": dropped_qualifier,
    "dropped join": dropped_join,
    "wrong alias": renamed_alias,
    "lost GROUP BY key": lost_group_key,
    "total in WHERE": total_in_where,
    "foreign dialect": foreign_dialect,
    "foreign or misspelt function": foreign_function,
    "value in wrong case": wrong_case_value,
    "misspelt value": misspelt_value,
    "quoted, formatted number": formatted_number,
    "date with slashes": foreign_date,
    "lost bracket": lost_bracket,
    "misspelt keyword": misspelt_keyword,
}


def _rename_table(tree: exp.Query, dialect: str, chance: random.Random, change: Callable[[str], str | None]) -> str | None:
    tree = tree.copy()
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    tables = [
        (table, new)
        for table in tree.find_all(exp.Table)
        if table.name not in ctes and (new := change(table.name)) not in (None, table.name)
    ]
    if not tables:
        return None
    table, new = chance.choice(tables)
    table.set("this", exp.to_identifier(new))
    return tree.sql(dialect=dialect)


def _rename_column(tree: exp.Query, dialect: str, chance: random.Random, change: Callable[[str], str | None]) -> str | None:
    tree = tree.copy()
    aliases = {alias.alias for alias in tree.find_all(exp.Alias)}
    columns = [
        (column, new)
        for column in tree.find_all(exp.Column)
        if isinstance(column.this, exp.Identifier)
        and column.name not in aliases
        and (new := change(column.name)) not in (None, column.name)
    ]
    if not columns:
        return None
    column, new = chance.choice(columns)
    column.set("this", exp.to_identifier(new))
    return tree.sql(dialect=dialect)


def _other_word(name: str, chance: random.Random) -> str | None:
    for word, others in OTHER_WORDS.items():
        if word in name.casefold():
            return re.sub(word, chance.choice(others), name, count=1, flags=re.IGNORECASE)
    return None


def _change_text(tree: exp.Query, dialect: str, chance: random.Random, change: Callable[[str], str | None]) -> str | None:
    tree = tree.copy()
    texts = [
        (literal, new)
        for literal in tree.find_all(exp.Literal)
        if literal.is_string and isinstance(literal.parent, (exp.EQ, exp.In)) and not re.search(r"\d{4}-\d{2}", literal.this)
        and (new := change(literal.this)) not in (None, literal.this)
    ]  # fmt: skip
    if not texts:
        return None
    literal, new = chance.choice(texts)
    literal.replace(exp.Literal.string(str(new)))
    return tree.sql(dialect=dialect)


def _printed(tree: exp.Query, dialect: str) -> str | None:
    try:
        return tree.sql(dialect=dialect)
    except SqlglotError:
        return None


def parse(sql: str, dialect: str) -> exp.Query | None:
    """The query as a tree; None when it is none."""
    try:
        tree = sqlglot.parse_one(sql, read=dialect)
    except SqlglotError:
        return None
    return tree if isinstance(tree, exp.Query) else None
