"""Jinja over the templates of this package. Loaded by name when a router is made: nothing else needs it."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import DictLoader, Environment, StrictUndefined

_ENDING: Final = ".jinja"


def rendered(name: str, facts: Mapping[str, object]) -> str:
    """The template of this name, without its ending. Raises `jinja2.TemplateError` for one that is wrong."""
    return _environment().get_template(name).render(facts)


@cache
def _environment() -> Environment:
    """Code is no HTML, so nothing is escaped: what goes in are names that were checked, and words of our own."""
    folder = files(__package__).joinpath("templates")
    sources = {
        one.name.removesuffix(_ENDING): one.read_text(encoding="utf-8") for one in folder.iterdir() if one.name.endswith(_ENDING)
    }
    return Environment(  # noqa: S701
        loader=DictLoader(sources), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
