"""How much work one value can make for a schema, before any value is seen.

References that meet each other twice in each step double the work with every step: a schema of a kilobyte can then keep a
processor busy for years. What is counted here is how often, at worst, schemas are applied along one path into a value of a given
depth.
"""

from typing import Final
from urllib.parse import unquote

from mcp_gateway.core.errors import Json

MAX_DEPTH: Final = 32
ENDLESS: Final = 1_000_000_000
_HERE_LISTS: Final = ("allOf", "anyOf", "oneOf")
_HERE: Final = ("not", "if", "then", "else")
_HERE_NAMED: Final = ("dependentSchemas", "dependencies")
_BELOW: Final = ("additionalProperties", "items", "additionalItems", "contains", "propertyNames",
                 "unevaluatedProperties", "unevaluatedItems")  # fmt: skip
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")


def costs_of(schema: Json) -> tuple[int, ...]:
    """For values of depth 0 to `MAX_DEPTH`; `ENDLESS` for whatever is more.

    Raises `RecursionError` for a schema nested absurdly.
    """
    work = _Work(schema)
    costs: list[int] = []
    for depth in range(MAX_DEPTH + 1):
        costs.append(work.cost(schema, depth))
        if depth > 1 and costs[-1] == costs[-2] == costs[-3]:
            break
    return (*costs, *(costs[-1:] * (MAX_DEPTH + 1 - len(costs))))


class _Work:
    def __init__(self, root: Json) -> None:
        self._root = root
        self._anchors: dict[str, Json] | None = None
        self._known: dict[tuple[int, int], int] = {}
        self._open: set[tuple[int, int]] = set()

    def cost(self, schema: Json, depth: int) -> int:
        if not isinstance(schema, dict):
            return 1
        key = (id(schema), depth)
        known = self._known.get(key)
        if known is not None:
            return known
        if key in self._open:
            # A circle at one and the same value: the validator goes round it once.
            return 0
        self._open.add(key)
        total = 1 + sum(self.cost(one, depth) for one in self._here(schema))
        if depth > 0 and total < ENDLESS:
            total += self._below(schema, depth - 1)
        self._open.discard(key)
        self._known[key] = total = min(total, ENDLESS)
        return total

    def _here(self, schema: dict[str, Json]) -> list[Json]:
        found = [schema[key] for key in _HERE if key in schema]
        for key in _HERE_LISTS:
            listed = schema.get(key)
            found.extend(listed if isinstance(listed, list) else ())
        for key in _HERE_NAMED:
            named = schema.get(key)
            found.extend(named.values() if isinstance(named, dict) else ())
        for key in _REFERENCES:
            target = schema.get(key)
            if isinstance(target, str):
                found.append(self._resolve(target))
        return found

    def _below(self, schema: dict[str, Json], depth: int) -> int:
        total = 0
        properties = schema.get("properties")
        if isinstance(properties, dict):
            total += max((self.cost(one, depth) for one in properties.values()), default=0)
        patterns = schema.get("patternProperties")
        if isinstance(patterns, dict):
            total += sum(self.cost(one, depth) for one in patterns.values())
        prefix = schema.get("prefixItems")
        if isinstance(prefix, list):
            total += max((self.cost(one, depth) for one in prefix), default=0)
        for key in _BELOW:
            below = schema.get(key)
            total += sum(
                self.cost(one, depth) for one in (below if isinstance(below, list) else [below] if key in schema else [])
            )
        return total

    def _resolve(self, reference: str) -> Json:
        """What it points to within this schema; the whole schema where that cannot be told."""
        if not reference.startswith("#"):
            return self._find_anchor(reference.rpartition("#")[2] if "#" in reference else "")
        if not reference.startswith("#/"):
            return self._find_anchor(reference[1:])
        found: Json = self._root
        for step in reference[2:].split("/"):
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                return self._root
        return found

    def _find_anchor(self, name: str) -> Json:
        if self._anchors is None:
            self._anchors = {}
            waiting: list[Json] = [self._root]
            while waiting:
                one = waiting.pop()
                if isinstance(one, dict):
                    for key in ("$anchor", "$dynamicAnchor", "$id"):
                        anchor = one.get(key)
                        if isinstance(anchor, str):
                            self._anchors.setdefault(anchor.removeprefix("#"), one)
                    waiting.extend(one.values())
                elif isinstance(one, list):
                    waiting.extend(one)
        return self._anchors.get(name, self._root)
