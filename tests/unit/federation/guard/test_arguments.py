"""Arguments that do not fit are refused in words that help; no schema can make the check long, far-reaching or unsafe."""

import pytest

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.guard.arguments import ArgumentChecks
from mcp_gateway.federation.guard.errors import ArgumentsRefused, ArgumentsTooLarge, SchemaUnusable
from mcp_gateway.federation.guard.schema_cost import ENDLESS, costs_of
from mcp_gateway.federation.guard.sizes import SizeLimits, measure

PLAIN: JsonObject = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 5},
        "days": {"type": "integer", "minimum": 1},
        "unit": {"enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city"],
    "additionalProperties": False,
}


def check(schema: Json, arguments: Json) -> None:
    ArgumentChecks().check("f", {"name": "t", "inputSchema": schema}, arguments)


def test_what_fits_passes() -> None:
    check(PLAIN, {"city": "Bonn", "days": 2, "unit": "celsius"})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "'city' is missing"),
        ({"city": "Bonn", "dayz": 2}, "'dayz' is not an argument of this tool; did you mean 'days'?"),
        ({"city": "Bonn", "xyzzy": 2}, "'xyzzy' is not an argument of this tool; it takes city, days, unit"),
        ({"city": "Bonn", "days": "two"}, 'days: the value is not of type "integer"'),
        ({"city": "Bonn", "days": 0}, "days: the value is less than the minimum of 1"),
        ({"city": "Bonn", "unit": "kelvin"}, 'unit: the value is not one of "celsius" or "fahrenheit"'),
    ],
)
def test_a_fault_is_told_in_words_a_model_can_act_on(arguments: JsonObject, words: str) -> None:
    with pytest.raises(ArgumentsRefused) as refused:
        check(PLAIN, arguments)
    assert words in refused.value.message


def test_a_choice_of_forms_says_what_each_wants() -> None:
    schema: JsonObject = {"properties": {"to": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["id"]}]}}}
    with pytest.raises(ArgumentsRefused, match=r'none of the allowed forms: to: .*"string", or to: .*"object"'):
        check(schema, {"to": 3})


def test_values_that_were_sent_are_not_repeated() -> None:
    with pytest.raises(ArgumentsRefused) as refused:
        check(PLAIN, {"city": "hunter2-and-more", "days": "sk-secret"})
    assert "hunter2" not in str(refused.value.to_dict())
    assert "sk-secret" not in str(refused.value.to_dict())


def test_not_more_than_a_few_faults_are_told() -> None:
    schema: JsonObject = {"required": [f"a{number}" for number in range(100)]}
    with pytest.raises(ArgumentsRefused, match="; and more") as refused:
        check(schema, {})
    assert len(refused.value.message) < 500


@pytest.mark.parametrize("arguments", [None, [], "x", 3])
def test_arguments_that_are_no_object_are_refused(arguments: Json) -> None:
    with pytest.raises(ArgumentsRefused):
        check(PLAIN, arguments)


@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/schema", "file:///etc/passwd", "other.json", "#/nowhere"])
def test_nothing_is_fetched_for_a_schema(reference: str) -> None:
    with pytest.raises(SchemaUnusable):
        check({"$ref": reference}, {})


@pytest.mark.parametrize("schema", [{"type": "objekt"}, {"properties": {"a": {"pattern": "("}}}, "a text", {"type": 5}])
def test_a_schema_that_cannot_be_used_closes_its_tool_each_time(schema: Json) -> None:
    checks = ArgumentChecks()
    for _ in range(2):
        with pytest.raises(SchemaUnusable):
            checks.check("f", {"name": "t", "inputSchema": schema}, {})


@pytest.mark.parametrize(
    "dialect",
    ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema", "https://example.com/x"],
)
def test_schemas_of_any_dialect_are_used(dialect: str) -> None:
    with pytest.raises(ArgumentsRefused):
        check({"$schema": dialect, "type": "object", "required": ["a"]}, {})


def test_an_expression_that_would_backtrack_forever_is_matched_in_linear_time() -> None:
    schema: JsonObject = {"properties": {"a": {"pattern": "^(a+)+$"}}}
    check(schema, {"a": "a" * 200_000})
    with pytest.raises(ArgumentsRefused):
        check(schema, {"a": "a" * 200_000 + "b"})


def test_an_expression_with_lookaround_is_matched_under_a_limit() -> None:
    schema: JsonObject = {"properties": {"a": {"pattern": r"^(?=a)(?:(a|aa)+)\1$"}}}
    with pytest.raises(ArgumentsRefused):
        check(schema, {"a": "a" * 5_000 + "b"})


def test_an_expression_too_large_to_compile_is_not_used() -> None:
    with pytest.raises(SchemaUnusable):
        check({"properties": {"a": {"pattern": "^(a{1000}){1000}$"}}}, {"a": "a"})


def doubling(times: int) -> JsonObject:
    names: JsonObject = {"a0": {"type": "string"}}
    for number in range(1, times + 1):
        names[f"a{number}"] = {"allOf": [{"$ref": f"#/$defs/a{number - 1}"}, {"$ref": f"#/$defs/a{number - 1}"}]}
    return {"$defs": names, "properties": {"x": {"$ref": f"#/$defs/a{times}"}}}


def test_a_schema_that_doubles_its_work_again_and_again_is_not_run() -> None:
    assert costs_of(doubling(40))[1] == ENDLESS
    with pytest.raises(SchemaUnusable):
        check(doubling(40), {"x": "y"})
    with pytest.raises(ArgumentsRefused, match="too intricate"):
        check(doubling(24), {"x": "y"})


def test_a_schema_that_doubles_its_work_with_depth_is_run_only_on_shallow_values() -> None:
    node: JsonObject = {"properties": {"c": {"allOf": [{"$ref": "#/$defs/n"}, {"$ref": "#/$defs/n"}]}}}
    schema: JsonObject = {"$defs": {"n": node}, "$ref": "#/$defs/n"}
    check(schema, {"c": {"c": {"c": 1}}})
    deep: JsonObject = {}
    for _ in range(28):
        deep = {"c": deep}
    with pytest.raises(ArgumentsRefused, match="too intricate"):
        check(schema, deep)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        {"$dynamicAnchor": "m", "allOf": [{"$dynamicRef": "#m"}]},
        {"$defs": {"n": {"properties": {"c": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"},
    ],
)
def test_schemas_that_lead_back_to_themselves_come_to_an_end(schema: JsonObject) -> None:
    check(schema, {"c": {"c": {}}})


def test_the_schemas_used_last_are_kept_and_no_more() -> None:
    checks = ArgumentChecks(kept=2)
    strict: JsonObject = {"name": "t", "inputSchema": {"required": ["a"]}}
    for fingerprint in ("one", "two", "three", "one"):
        with pytest.raises(ArgumentsRefused):
            checks.check(fingerprint, strict, {})
    # "one" was dropped and compiled anew; a fingerprint that is kept no longer looks at the definition.
    checks_kept: JsonObject = {"name": "t", "inputSchema": {}}
    with pytest.raises(ArgumentsRefused):
        checks.check("three", checks_kept, {})
    checks.check("two", checks_kept, {})


def nested(depth: int) -> JsonObject:
    value: JsonObject = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("arguments", "limit"),
    [
        (nested(6), "depth"),
        ({"a": "x" * 11}, "length"),
        ({"a": [{"b": "x" * 11}]}, "length"),
        ({"a": [0] * 9}, "members"),
        ({str(number): 0 for number in range(9)}, "members"),
        ({"a": [[0] * 8, [0] * 8, [0] * 8]}, "nodes"),
    ],
)
def test_too_large_arguments_are_refused_by_the_limit_that_is_named(arguments: JsonObject, limit: str) -> None:
    limits = SizeLimits(depth=5, nodes=20, length=10, members=8)
    with pytest.raises(ArgumentsTooLarge) as refused:
        measure(arguments, limits)
    assert refused.value.data["limit"] == limit


def test_arguments_within_the_limits_are_measured() -> None:
    measured = measure({"a": [1, {"b": "x" * 10}]}, SizeLimits(depth=5, nodes=20, length=10, members=8))
    assert (measured.depth, measured.nodes) == (3, 5)


def test_no_depth_exhausts_the_stack() -> None:
    with pytest.raises(ArgumentsTooLarge):
        measure(nested(100_000))
