"""Values of an entry that may refer to the environment, or hold a secret."""

import re
from collections.abc import Mapping
from typing import Final

from mcp_gateway.core.errors import Json

# Of a shell, of VS Code and Cursor, of Windsurf and Codex; `${input:…}` is what a client asks its user for.
_REFERENCE: Final = re.compile(r"\$\{(?:env:)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")
_ANY_REFERENCE: Final = re.compile(r"\$\{[^}]*\}?|\{\{[^}]*\}\}")
_SECRET_FLAG: Final = re.compile(r"(?i)token|secret|passw|api[-_]?key|access[-_]?key|auth|credential|header")
_LONG_SECRET: Final = re.compile(r"(?:sk|ghp|gho|pat|xox[abp]|github_pat|glpat|key)[-_][A-Za-z0-9_-]{12,}")
_NOT_IN_VARIABLES: Final = re.compile(r"[^A-Z0-9]+")


class Unresolved(Exception):
    """A reference that is not replaced; the argument says why, and never what it stands for."""


def resolved(text: str, environment: Mapping[str, str] | None) -> str:
    """`environment` None: nothing is replaced. Raises `Unresolved` for what then still refers to something."""
    if environment is None:
        if _ANY_REFERENCE.search(text):
            raise Unresolved("refers to a variable")
        return text

    def value(match: re.Match[str]) -> str:
        found, default = environment.get(match["name"]), match["default"]
        if found or default is None:
            if found is None:
                raise Unresolved(f"refers to {match['name'][:100]}, which is not set")
            return found
        return default

    # What was put in is never looked at again.
    pieces, at = [], 0
    for match in _REFERENCE.finditer(text):
        pieces += [_unreferring(text[at : match.start()]), value(match)]
        at = match.end()
    return "".join([*pieces, _unreferring(text[at:])])


def _unreferring(text: str) -> str:
    if _ANY_REFERENCE.search(text):
        raise Unresolved("refers to something only its client knows")
    return text


def texts(value: Json) -> tuple[str, ...] | None:
    """The items of a list of texts; None for anything else."""
    if value is None:
        return ()
    if not isinstance(value, list):
        return None
    found = [one for one in value if isinstance(one, str)]
    return tuple(found) if len(found) == len(value) else None


def named_texts(value: Json) -> dict[str, str] | None:
    """As `texts`, for named ones."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        return None
    found = {key: one for key, one in value.items() if isinstance(one, str)}
    return found if len(found) == len(value) else None


def variable_name(*parts: str) -> str:
    """A name for a variable of the environment."""
    return _NOT_IN_VARIABLES.sub("_", "_".join(parts).upper()).strip("_")[:100] or "SECRET"


def without_secrets(name: str, arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Arguments for a servers file: what looks like a secret is replaced by a reference, and `$` is written so that it stays."""
    shown: list[str] = []
    secret_next = False
    for number, argument in enumerate(arguments, start=1):
        flag, equals, _ = argument.partition("=")
        reference = "${" + variable_name(name, "argument", str(number)) + "}"
        is_flag = argument.startswith("-")
        named = "@" in argument.partition("://")[2].partition("/")[0]
        if named or (secret_next and not is_flag) or _LONG_SECRET.search(argument):
            shown.append(reference)
        elif equals and _SECRET_FLAG.search(flag):
            shown.append(f"{flag.replace('$', '$$')}={reference}")
        else:
            shown.append(argument.replace("$", "$$"))
        secret_next = is_flag and not equals and _SECRET_FLAG.search(flag) is not None
    return tuple(shown)
