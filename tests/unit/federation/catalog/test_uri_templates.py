"""Which URIs are of a template."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.federation.catalog.uri_templates import Template

names = st.text(st.sampled_from("abcxyz"), min_size=1, max_size=5)
literals = st.text(st.sampled_from("abc-/:."), max_size=6)
values = st.text(st.sampled_from("abc é%/?&#"), max_size=6)


@given(st.lists(st.tuples(literals, names, values), max_size=5), literals)
def test_whatever_a_template_expands_to_is_its_own(parts: list[tuple[str, str, str]], end: str) -> None:
    template = "".join(f"{literal}{{{name}}}" for literal, name, _ in parts) + end
    uri = "".join(literal + quote(value, safe="") for literal, _, value in parts) + end

    assert Template(template).matches(uri)


@pytest.mark.parametrize(
    ("template", "uri", "fits"),
    [
        ("file:///{path}", "file:///a", True),
        ("file:///{path}", "file:///a/b", False),
        ("file:///{+path}", "file:///a/b?c#d", True),
        ("file:///{path}", "http:///a", False),
        ("db://t/{a}/{b}", "db://t/x/y", True),
        ("db://t/{a}/{b}", "db://t/x", False),
        ("db://{a,b}", "db://1,2", True),
        ("db://x{?q,limit}", "db://x?q=1&limit=2", True),
        ("db://x{?q}", "db://x", True),
        ("db://x{/a,b}", "db://x/1/2", True),
        ("db://x{#part}", "db://x#here", True),
        ("db://x{;a}", "db://x;a=1", True),
        ("db://x{.form}", "db://x.json", True),
        ("db://{a}{b}", "db://xy", True),
        ("db://plain", "db://plain", True),
        ("db://plain", "db://plainer", False),
        ("db://{a}x", "db://axxx", True),
        ("db://{unclosed", "db://{unclosed", True),
        ("", "", True),
        ("{+all}", "anything at all", True),
        ("x" * 3_000, "x" * 3_000, False),
        ("{+a}", "x" * 9_000, False),
    ],
)
def test_a_uri_fits_a_template_or_not(template: str, uri: str, fits: bool) -> None:  # noqa: FBT001 - a table
    assert Template(template).matches(uri) is fits


def test_a_template_made_to_take_long_does_not() -> None:
    template = Template("".join(f"{{+v{number}}}a" for number in range(180)))

    assert template.matches("a" * 8_000)
    assert not template.matches("a" * 8_000 + "b")
