"""Names of tables and columns as people say them: `product_name` of `products` is "product", `order_date` is "order date"."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from mcp_gateway.ask.engine.form import ColumnRef, Select, TableRef

_SPLIT = re.compile(r"[_\s.]+|(?<=[a-z0-9])(?=[A-Z])")
_LABELS = frozenset({"name", "title", "label"})
_NO_ROLES: Mapping[TableRef, str] = MappingProxyType({})


def plain(name: str) -> str:
    """The name in lower-case words; the schema's part and prefixes such as `tbl_` left out."""
    last = name.rsplit(".", 1)[-1]
    words = [
        word if word.isupper() and len(word) > 1 and not last.isupper() else word.lower() for word in _SPLIT.split(last) if word
    ]
    if len(words) > 1 and words[0] in ("tbl", "dim", "fact", "vw"):
        words = words[1:]
    return " ".join(words)


def singular(words: str) -> str:
    """The last word in the singular, as far as a rule of thumb goes."""
    head, _, last = words.rpartition(" ")
    if last.endswith("ies") and len(last) > 4:
        last = last[:-3] + "y"
    elif last.endswith(("sses", "shes", "ches", "xes", "zes")):
        last = last[:-2]
    elif last.endswith("s") and not last.endswith(("ss", "us", "is", "series", "news")):
        last = last[:-1]
    return f"{head} {last}" if head else last


def plural(words: str) -> str:
    """The last word in the plural, as far as a rule of thumb goes."""
    if words != singular(words):
        return words
    head, _, last = words.rpartition(" ")
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        last = last[:-1] + "ies"
    elif last.endswith(("ss", "sh", "ch", "x", "z", "us")):
        last += "es"
    elif not last.endswith(("s", "stock", "staff", "information", "data", "people")):
        last += "s"
    return f"{head} {last}" if head else last


def plain_column(table: str, column: str) -> str:
    """The column by itself: the label column of a table is called as the thing is."""
    thing, words = singular(plain(table)), plain(column)
    parts = words.split(" ")
    if parts[-1] in _LABELS and (len(parts) == 1 or " ".join(parts[:-1]) in (thing, plain(table))):
        return thing
    return f"{thing} {words}" if len(parts) == 1 and words in ("id", "code", "number", "type", "status", "date") else words


def counted_column(ref: ColumnRef) -> str | None:
    """What the different values of a key stand for, in the plural: customers for `customer_id`; None for other columns."""
    thing = plain_column(ref.table, ref.column).removesuffix(" id")
    if not plain(ref.column).endswith("id") or not thing or thing == plain_column(ref.table, ref.column):
        return None
    return plural(thing)


def counted_rows(select: Select, roles: Mapping[TableRef, str] = _NO_ROLES) -> str:
    """What COUNT(*) counts, in the plural: the rows of the table joined last that may hold several for one before it.

    Judged by the names of the joined columns alone: `customer_id` in `orders` points at `customers`.
    """
    rows = select.base
    for join in select.joins:
        before, own = join.pairs[0]
        said = set(plain(own.column).split())
        if own.table == before.table:
            points = own.instance % 2 == 0 if own.instance else before.instance % 2 == 1
            rows = own.source if points else rows
        elif said & _parts(before.table) and not said & _parts(own.table):
            rows = own.source
    return plural(roles.get(rows, plain(rows.table)))


def _parts(table: str) -> set[str]:
    return set(singular(plain(table)).split())
