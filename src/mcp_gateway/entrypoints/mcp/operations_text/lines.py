"""Lines, and the pieces every tool's result has: evidence, figures, what was not seen.

Names and words in results come from outside. A line never holds a character that moves, colours or hides something: such a
character is written by its number.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.core.visible import visible

# `good`, `poor`, `bad` and `unsure` are verdicts; `code` is a line of a file.
Style = Literal["good", "poor", "bad", "unsure", "heading", "plain", "soft", "blind", "command", "code"]
MOST_LETTERS = 2_000
MOST_ITEMS = 100

_SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
# What the end of a member's name tells of its unit.
_ENDINGS = (("_ms", "ms"), ("_seconds", "s"), ("_bytes", "bytes"), ("_per_second", "1/s"))
_PERCENTILES = ("p50_ms", "p95_ms", "p99_ms")
_NEVER = -1
_STANDINGS = {
    "as_usual": "as usual",
    "higher": "higher than usual",
    "lower": "lower than usual",
    "too_few": "too few measurements to tell",
}


class Line(NamedTuple):
    style: Style
    text: str


def say(style: Style, text: str) -> Line:
    """The only way to a line: everything in it can be seen."""
    shown = text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…"
    return Line(style, visible(shown))


def code_lines(text: str) -> Iterator[Line]:
    """A file, line by line."""
    for line in text.split("\n"):
        yield say("code", line.expandtabs(4))


def objects(value: Json) -> list[JsonObject]:
    """The objects of a list; none when it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def texts(value: Json) -> list[str]:
    """The members of a list as text; none when it is no list."""
    return [str(one) for one in value] if isinstance(value, list) else []


def at_most(lines: Iterable[Line]) -> Iterator[Line]:
    """The first of them, and how many are only in the JSON."""
    every = list(lines)
    yield from every[:MOST_ITEMS]
    if len(every) > MOST_ITEMS:
        yield say("soft", f"  … and {len(every) - MOST_ITEMS:,} more lines in the JSON")


def spoken(name: str) -> str:
    """`event_loop` as people say it."""
    return name.replace("_", " ")


def share(value: Json) -> str:
    return f"{value:.0%}" if isinstance(value, int | float) else "?"


def amount(value: Json) -> str:
    """A value to read: no more digits than mean something."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    return "unknown" if value is None else str(value)


def measure(value: Json, unit: Json, name: str = "") -> str:
    """The same with its unit, which the name of a figure tells where nothing else does."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return amount(value)
    if unit == "share" or name.endswith(("_share", "_rate")):
        return f"{value * 100:.4g}%"
    if unit == "bytes" or name.endswith("bytes"):
        size, word = next(((least, word) for least, word in _SIZES if abs(value) >= least), (1, "bytes"))
        return f"{value / size:.4g} {word}"
    if unit == "1/s":
        return f"{amount(value)}/s"
    return f"{amount(value)} {unit}" if unit and unit != "1" else amount(value)


def named(name: str) -> tuple[str, str]:
    """A member's name as people say it, and the unit it ends in, or none."""
    ending, unit = next(((ending, unit) for ending, unit in _ENDINGS if name.endswith(ending)), ("", ""))
    return spoken(name.removesuffix(ending)), unit


def evidence(sign: JsonObject, mark: str) -> Line:
    """What was read, what is usual, who said so and when."""
    unit, baseline = sign.get("unit"), sign.get("baseline")
    usual = "nothing to compare with" if baseline is None else f"usually {measure(baseline, unit)}"
    clock = str(sign.get("at", "")).partition("T")[2][:8]
    return say("plain", f"  {mark} {sign['signal']} = {measure(sign['value'], unit)}, {usual}  ({sign['source']}, {clock})")


def figures(name: str, value: Json, called: str = "") -> Iterator[Line]:
    """Whatever in it was measured, each figure with the path to it and beside what it is compared with.

    `called`: the figure's own name.
    """
    if not isinstance(value, dict):
        return
    if "standing" in value:
        if value.get("value") is not None:
            yield say("plain", f"  {name}: {_figure(value, called)}")
        return
    percentiles = [one for key in _PERCENTILES if isinstance(one := value.get(key), dict) and one.get("value") is not None]
    if len(percentiles) == len(_PERCENTILES):
        yield say("plain", f"  {name}: {_together(percentiles)}")
        value = {key: member for key, member in value.items() if key not in _PERCENTILES}
    for key, member in value.items():
        if isinstance(member, dict):
            short = named(key)[0] if "standing" in member else spoken(key)
            yield from figures(f"{name}, {short}" if name else short, member, key)
        for row in objects(member):
            about = next((word for word in row.values() if isinstance(word, str)), "")
            yield from figures(", ".join(part for part in (name, spoken(key), about) if part), row)


def fields(found: Mapping[str, Json], but: frozenset[str] = frozenset()) -> str:
    """Plain members side by side; what is unknown is left out."""
    return ", ".join(
        _field(name, value)
        for name, value in found.items()
        if name not in but and value is not None and value != "" and not isinstance(value, dict | list)
    )


def blind_spots(found: JsonObject) -> Iterator[Line]:
    for spot in objects(found.get("blind_spots")):
        yield say("blind", f"not seen: {spot['what']}: {spot['why']} {spot.get('hint') or ''}".rstrip())


def _field(name: str, value: Json) -> str:
    if name == "ttl_seconds" and value == _NEVER:
        return "never expires"
    short, unit = named(name)
    return f"{short} {measure(value, unit, name)}"


def _together(percentiles: list[JsonObject]) -> str:
    """Three figures of one kind in one line, what they are compared with in the same order."""
    now = ", ".join(
        f"{key.removesuffix('_ms')} {amount(one['value'])}" for key, one in zip(_PERCENTILES, percentiles, strict=True)
    )
    beside = [
        f"{word} {', '.join(amount(one[member]) for one in percentiles)}"
        for member, word in (("previous", "before"), ("usual", "usually"))
        if all(one.get(member) is not None for one in percentiles)
    ]
    told = [_STANDINGS.get(str(one["standing"]), "nothing to compare with") for one in percentiles]
    standing = told[0] if len(set(told)) == 1 else ", ".join(told)
    return f"{now} ms ({'; '.join([*beside, standing])})"


def _figure(figure: JsonObject, called: str) -> str:
    unit = figure.get("unit") or named(called)[1]
    beside = [
        f"{word} {measure(figure[name], unit, called)}"
        for name, word in (("previous", "before"), ("usual", "usually"), ("baseline", "usually"))
        if figure.get(name) is not None
    ]
    standing = _STANDINGS.get(str(figure["standing"]), "nothing to compare with")
    return f"{measure(figure['value'], unit, called)} ({'; '.join([*beside, standing])})"
