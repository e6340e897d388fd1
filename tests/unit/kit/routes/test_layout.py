"""Generated code gets the shape that `ruff format` would give it."""

import pytest

from mcp_gateway.kit.routes.layout import WIDTH, laid_out

SHORT = """\
def read(
    key: str,
    call: Call,
) -> Item:
    return Item(
        key,
        more=(
            1,
            2,
        ),
    )
"""


def test_what_fits_on_one_line_is_joined() -> None:
    assert laid_out(SHORT) == "def read(key: str, call: Call) -> Item:\n    return Item(key, more=(1, 2))\n"


def test_what_does_not_fit_stays_apart_and_its_parts_are_looked_at() -> None:
    long = "x" * (WIDTH - 20)
    code = f"found = read(\n    {long},\n    other(\n        1,\n    ),\n)\n"
    assert laid_out(code) == f"found = read(\n    {long},\n    other(1),\n)\n"


@pytest.mark.parametrize(
    "code",
    [
        "found = read(\n    1,  # why\n    2,\n)\n",
        "found = read(\n    # why\n    1,\n)\n",
        'text = """\n(\n    1,\n)\n"""\n',
        "pair = (\n    one\n    + two\n)\n",
    ],
)
def test_comments_texts_and_what_has_no_last_comma_stay(code: str) -> None:
    assert laid_out(code) == code


def test_a_line_of_just_the_width_is_joined_and_one_more_is_not() -> None:
    for extra, lines in ((0, 1), (1, 3)):
        name = "n" * (WIDTH - len("f()") + extra)
        assert len(laid_out(f"f(\n    {name},\n)\n").splitlines()) == lines


def test_laying_out_twice_changes_nothing() -> None:
    assert laid_out(laid_out(SHORT)) == laid_out(SHORT)


def test_blank_lines_are_as_they_should_be() -> None:
    assert laid_out("\n\na = 1\n\n\n\n\nb = 2\n\n\n") == "a = 1\n\n\nb = 2\n"
