"""What of a call's arguments the trail may hold."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.access.audit.fingerprint import MASK, Digester, masked, masked_text
from mcp_gateway.core.errors import Json

KEY = b"k" * 32
SECRETS = [
    "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl",
    "Bearer abcdefghijklmnop",
    "sk-proj-abcdefghijklmnop1234",
    "ghp_abcdefghijklmnopqrstuvwxyz012345",
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyA-abcdefghijklmnopqrstuvwxyz01234",
    "xoxb-1234567890-abcdef",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
]
WORDS = st.text(max_size=12) | st.sampled_from(["password=hunter2", *SECRETS])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.sampled_from(["token", "pin", "name"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_equal_arguments_have_one_fingerprint_whatever_their_order() -> None:
    digest = Digester(KEY)
    assert digest({"a": 1, "b": [1, "x"]}) == digest({"b": [1, "x"], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest({}) == ("", None)


def test_nobody_without_the_key_can_try_out_arguments() -> None:
    assert Digester(KEY)({"a": 1}) != Digester(b"o" * 32)({"a": 1})


def test_arguments_are_kept_only_when_that_was_switched_on() -> None:
    assert Digester(KEY)({"question": "how many?"})[1] is None
    assert Digester(KEY, keep=True)({"question": "how many?", "limit": 3})[1] == '{"limit":3,"question":"how many?"}'


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", "see {} there", '{{"inner": "{}"}}'])
def test_what_looks_like_a_secret_is_masked_wherever_it_stands(secret: str, around: str) -> None:
    text = masked_text({"question": around.format(secret), "list": [{"deep": secret}]})
    assert secret.splitlines()[0][8:] not in text
    assert MASK in text


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Passwd",
        "client_secret",
        "apiKey",
        "api-key",
        "x-api-key",
        "access_token",
        "Authorization",
        "cookie",
        "pin",
        "db_pwd",
    ],
)
def test_what_stands_under_a_secret_name_is_masked(name: str) -> None:
    assert masked({name: "hunter2", "other": "hunter3"}) == {name: MASK, "other": "hunter3"}
    assert masked({name: {"a": ["hunter2"]}}) == {name: MASK}
    assert masked({name: None}) == {name: None}


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql://anna:hunter2@db/x", "hunter2"),
        ("https://h/?a=1&token=hunter2&b=2", "hunter2"),
        ("SELECT * FROM users WHERE password = 'hunter2'", "hunter2"),
        ('{"password": "hunter2"}', "hunter2"),
    ],
)
def test_a_secret_inside_a_text_is_masked_and_the_rest_kept(text: str, hidden: str) -> None:
    shown = masked(text)
    assert isinstance(shown, str)
    assert hidden not in shown
    assert shown.startswith(text.split(hidden, maxsplit=1)[0].rpartition("anna")[0][:5])


@pytest.mark.parametrize(
    "text", ["revenue by month", "How many customers in Kingston?", "the task-list of 2026", "a key question"]
)
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert json.loads(masked_text({"question": text})) == {"question": text}


@given(st.dictionaries(st.text(max_size=8) | st.sampled_from(["token", "Password", "pin"]), VALUES, max_size=4))
def test_the_quick_look_never_misses_what_the_thorough_one_masks(arguments: dict[str, Any]) -> None:
    thorough = json.dumps(masked(arguments), sort_keys=True, separators=(",", ":"))
    assert masked_text(arguments) == thorough


def test_arguments_of_any_depth_are_taken() -> None:
    deep: Json = "x"
    for _ in range(5_000):
        deep = [deep]
    text = masked_text({"deep": deep})
    assert MASK in text
    assert len(text) < 200


def test_what_is_too_long_is_not_kept_but_has_a_fingerprint() -> None:
    digest = Digester(KEY, keep=True)
    one, other = digest({"a": "x" * 70_000 + "1"}), digest({"a": "x" * 70_000 + "2"})
    assert one[1] == other[1] == '{"too_long":70009}'
    assert one[0] != other[0]


@pytest.mark.parametrize(
    "piece", ["password=", "eyJ", "eyJ-", "://", "://a", "://a:b", "-----BEGIN ", "sk-", "Bearer ", "token: ", "a", "gh"]
)
@pytest.mark.parametrize("prefix", ["", "eyJ", "password "])
def test_hostile_texts_take_time_in_proportion_to_their_length(piece: str, prefix: str) -> None:
    """Counted in processor time, eight times the length against the once: far from the 64 times of a bad expression."""

    def cost(length: int) -> float:
        text = (prefix + piece * length)[:length]
        began = time.process_time()
        for _ in range(3):
            masked(text)
        return time.process_time() - began

    assert min(cost(48_000) for _ in range(3)) < 24 * max(min(cost(6_000) for _ in range(3)), 0.0005)
