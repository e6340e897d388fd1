"""Names of tables and columns as words: split, spelled out, stemmed.

`Song_release_year` is song, release, year; `countryname` is country, name; `StuID` is student, id when the database has a
word that begins with "stu". Knows no question.
"""

import re
from collections.abc import Collection

from mcp_gateway.ask.engine.text import stem_of

# Short forms used as parts of names in many databases.
ABBREVIATIONS: dict[str, tuple[str, ...]] = {
    "fname": ("first", "name"), "lname": ("last", "name"), "mname": ("middle", "name"), "firstname": ("first", "name"),
    "lastname": ("last", "name"), "fullname": ("full", "name"), "username": ("user", "name"), "dob": ("birth", "date"),
    "birthday": ("birth", "date"), "birthdate": ("birth", "date"), "dept": ("department",), "emp": ("employee",),
    "num": ("number",), "no": ("number",), "nbr": ("number",), "qty": ("quantity",), "amt": ("amount",), "addr": ("address",),
    "desc": ("description",), "descr": ("description",), "prof": ("professor",), "crs": ("course",), "stu": ("student",),
    "lat": ("latitude",), "lng": ("longitude",), "long": ("longitude",), "yr": ("year",), "avg": ("average",),
    "pct": ("percent",), "cnt": ("count",), "tel": ("telephone",), "msg": ("message",), "org": ("organization",),
    "mgr": ("manager",), "cust": ("customer",), "acct": ("account",), "acc": ("account",), "tx": ("transaction",),
    "txn": ("transaction",), "cat": ("category",), "loc": ("location",), "temp": ("temperature",), "pop": ("population",),
    "lang": ("language",), "pos": ("position",), "mpg": ("mile", "per", "gallon"), "hrs": ("hour",), "hr": ("hour",),
    "hs": ("high", "school"), "pk": ("id",), "ids": ("id",), "prod": ("product",), "inv": ("invoice",), "ref": ("reference",),
    "yn": (), "flg": ("flag",), "ts": ("time",), "dt": ("date",), "datetime": ("date", "time"), "cd": ("code",),
    "nm": ("name",), "ssn": ("social", "security", "number"), "gpa": ("grade", "point", "average"), "mid": (), "sex": ("sex",),
    "zip": ("zip",), "zipcode": ("zip", "code"), "postcode": ("post", "code"), "min": ("minimum",), "max": ("maximum",),
    "ccy": ("currency",), "curr": ("current",), "prev": ("previous",), "std": ("standard",), "dest": ("destination",),
    "src": ("source",), "arr": ("arrival",), "dep": ("departure",), "mfr": ("manufacturer",), "uid": ("user", "id"),
}  # fmt: skip
# Parts that glued names are made of ("countryname"); the database's own words are added to them.
_COMMON_PARTS = frozenset(
    """name id code type date year number title time day month price cost age size level status address city state country
    region email phone first last middle full start end begin birth open close home work total count amount rate rating score
    grade rank class room group user client customer product order item store shop car maker model make school student
    teacher staff employee department course club team player game match song album artist singer track genre film movie
    book author publisher airport airline flight station train line area code hire job salary manager head street zip postal
    fax company web site link text note comment description color height weight length width speed high low source
    destination location unit quantity stock date birth nationality language population capital continent official""".split()
)  # fmt: skip
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")


def parts_of(name: str) -> list[str]:
    """The written parts of a name, folded: snake case, camel case, digits apart."""
    parts = [match.group().lower() for match in _CAMEL.finditer(name.rsplit(".", 1)[-1])]
    initials = {"f", "l", "m"}
    return [
        part + parts[n + 1] if part in initials and parts[n + 1 : n + 2] == ["name"] else part
        for n, part in enumerate(parts)
        if not (part == "name" and n and parts[n - 1] in initials)
    ]


def own_words(names: Collection[str]) -> frozenset[str]:
    """The words a database itself uses, to unglue and spell out its other names with."""
    return frozenset(part for name in names for part in parts_of(name) if len(part) > 2)


def words_of(name: str, known: Collection[str]) -> tuple[str, ...]:
    """The stems of the words a name is made of, in order."""
    words: list[str] = []
    for part in parts_of(name):
        words.extend(_spelled_out(part, known))
    return tuple(stem_of(word) for word in words)


def _spelled_out(part: str, known: Collection[str]) -> tuple[str, ...]:
    if part in ABBREVIATIONS:
        return ABBREVIATIONS[part]
    if part in _COMMON_PARTS or len(part) < 3:
        return (part,)
    longer = _longer_word(part, known) if len(part) < 6 else part
    if longer != part:
        return (longer,)
    if len(part) < 4:
        return (part,)
    glued = _unglued(part, known)
    if glued is not None:
        return tuple(word for piece in glued for word in ABBREVIATIONS.get(piece, (piece,)))
    return (part,)


def _longer_word(part: str, known: Collection[str]) -> str:
    """The one own word that begins with these letters; the part itself when there is none or several."""
    longer = {stem_of(word): word for word in sorted(known) if len(word) >= len(part) + 3 and word.startswith(part)}
    return next(iter(longer.values())) if len(longer) == 1 else part


def _unglued(part: str, known: Collection[str]) -> tuple[str, ...] | None:
    """Two or three known words that together spell the part; None when there are none."""
    for cut in range(len(part) - 2, 1, -1):
        head, tail = part[:cut], part[cut:]
        if not _is_piece(head, known, part):
            continue
        if tail in _COMMON_PARTS or _is_piece(tail, known, part):
            return (head, tail)
        rest = _unglued(tail, known) if len(tail) > 5 else None
        if rest is not None:
            return (head, *rest)
    return None


def _is_piece(piece: str, known: Collection[str], whole: str) -> bool:
    if piece in _COMMON_PARTS:
        return True
    return len(piece) > 2 and piece != whole and (piece in known or piece in ABBREVIATIONS) and piece not in {"the", "and"}
