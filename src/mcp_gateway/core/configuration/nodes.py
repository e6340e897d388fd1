"""The nodes of a YAML file, single values with their references replaced, and the faults found on the way.

Values stay text here; `section.py` reads them as what they should be.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import yaml

from mcp_gateway.core.configuration.faults import Fault
from mcp_gateway.core.configuration.substitute import MalformedReference, UnsetVariable, has_reference, substitute

STRING_TAG = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"


class OverrideNode(yaml.ScalarNode):
    """A value from the environment in place of the file's; `origin` is the variable's name."""

    def __init__(self, value: str, origin: str) -> None:
        super().__init__(STRING_TAG, value)
        self.origin = origin


class Faults:
    """The faults found so far in one file. `environment` serves `${VAR}`; None takes every value as it is written."""

    def __init__(self, file: str, environment: Mapping[str, str] | None) -> None:
        self.file = file
        self.environment = environment
        self.found: list[Fault] = []
        self._resolver = yaml.SafeLoader("")  # for its rules on unquoted words alone; it never reads anything

    def is_word(self, text: str) -> bool:
        """Whether YAML would take this, unquoted, for text rather than a number, a date or true or false."""
        tag: object = self._resolver.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # not in the stubs
        return tag == STRING_TAG

    def note(self, node: yaml.Node | None, path: str, problem: str, fix: str) -> None:
        where, line = self.file, None
        if isinstance(node, OverrideNode):
            where = f"environment variable {node.origin}"
        elif node is not None and node.start_mark is not None:
            line = node.start_mark.line + 1
        self.found.append(Fault(where=where, line=line, path=path, problem=problem, fix=fix))


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value with its references replaced. `shown` is the text as written, so that no secret is ever shown."""

    text: str
    is_string: bool
    shown: str
    node: yaml.Node


def read_scalar(node: yaml.Node, path: str, faults: Faults) -> Scalar | None:
    """The value of a single node with its references replaced; None, with a fault noted, when that is not possible."""
    if isinstance(node, OverrideNode):
        return Scalar(node.value, is_string=True, shown="its value", node=node)
    if not isinstance(node, yaml.ScalarNode):
        faults.note(node, path, "must be a single value", "Write one value after the colon.")
        return None
    written = str(node.value)
    shown = repr(written if len(written) <= 60 else written[:57] + "...")
    if faults.environment is None or not has_reference(written):
        return Scalar(written, is_string=node.tag == STRING_TAG, shown=shown, node=node)
    try:
        text = substitute(written, faults.environment)
    except UnsetVariable as unset:
        fix = f"Set {unset}, or give a default: ${{{unset}:-default}}."
        faults.note(node, path, f"the environment variable {unset} is not set", fix)
        return None
    except MalformedReference as malformed:
        faults.note(node, path, f"{malformed} is not a reference", "Write ${VAR} or ${VAR:-default}; $$ is one dollar sign.")
        return None
    return Scalar(text, is_string=node.style is not None or faults.is_word(text), shown=shown, node=node)


def check_text(scalar: Scalar, path: str, faults: Faults, *, strict: bool = True, longest: int = 2000) -> str | None:
    if strict and not scalar.is_string:
        faults.note(scalar.node, path, f"must be text, not {scalar.shown}", "Put it in quotes if it is meant as text.")
    elif strict and not scalar.text.strip():
        faults.note(scalar.node, path, "is empty", "Write a value, or leave the key out.")
    elif len(scalar.text) > longest:
        faults.note(scalar.node, path, f"has {len(scalar.text)} characters, over {longest}", "Shorten it.")
    elif any(ord(character) < 32 or ord(character) == 127 for character in scalar.text):
        faults.note(scalar.node, path, "has a line break or control character", "Write it on one line.")
    else:
        return scalar.text
    return None


def is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == _NULL


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one; None when none is like it."""
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=0.6)), None)


def compose(text: str, faults: Faults) -> yaml.Node | None:
    """The file's nodes; None, with a fault noted, when it is not YAML. Tags and anchors make nothing but nodes."""
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = f"is not valid YAML: {error.problem or error.context}"
        fix = "Correct the line named or the one above it: indentation, colons and quotes."
        line = mark.line + 1 if mark is not None else None
        faults.found.append(Fault(where=faults.file, line=line, path="", problem=problem, fix=fix))
    except yaml.YAMLError as error:
        faults.note(None, "", f"is not valid YAML: {str(error).splitlines()[0]}", "Save the file as plain UTF-8 text.")
    except RecursionError:
        faults.note(None, "", "is nested too deeply", "A few levels are enough.")
    return None
