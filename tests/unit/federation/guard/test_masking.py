"""What is to be struck out never leaves; everything else leaves as it came, byte for byte."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.depth import examples

from mcp_gateway.core.errors import Json
from mcp_gateway.federation.guard.errors import AnswerNotMasked
from mcp_gateway.federation.guard.masking import FINDERS, mask, masked_text

ALL = frozenset(FINDERS)


def message(result: Json) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}, ensure_ascii=False).encode()


def text(said: str) -> bytes:
    return message({"content": [{"type": "text", "text": said}]})


SECRETS = [
    "AKIAIOSFODNN7EXAMPLE",
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2_" * 10,
    "glpat-" + "a1B2c" * 5,
    "xoxb-123456789012-abcdefABCDEF",
    "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "sk-" + "proj-" + "a1B2" * 10,
    "sk-ant-" + "api03-" + "a1B2" * 10,
    "sk_live_" + "a1B2" * 6,
    "AIza" + "a1B2c" * 7,
    "SG." + "a" * 22 + "." + "b" * 43,
    "npm_" + "a1B2" * 9,
    "hf_" + "aB" * 17,
    "Authorization: Bearer abcdefghijklmnop.qrstuvwxyz",
    "authorization: Basic dXNlcjpwYXNz",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "postgresql://ann:hunter2@db.example.com/shop",
    'password = "correct horse battery"',
    "API_KEY=abc123def456",
    '{"client_secret": "abc-def"}',
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,1\n\nMIIE\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ==\n-----END PGP PRIVATE KEY BLOCK-----",
]
HIDDEN_PART = {
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": "wJalrXUtnFEMI",
    "Authorization: Bearer abcdefghijklmnop.qrstuvwxyz": "abcdefghijklmnop",
    "authorization: Basic dXNlcjpwYXNz": "dXNlcjpwYXNz",
    "postgresql://ann:hunter2@db.example.com/shop": "hunter2",
    'password = "correct horse battery"': "correct horse",
    "API_KEY=abc123def456": "abc123def456",
    '{"client_secret": "abc-def"}': "abc-def",
    "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX": "T00000000",
}


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("form", ["{}", "before {} after", "umlauts äöü {} ☃"])
def test_secrets_are_struck_out(secret: str, form: str) -> None:
    hidden = mask(text(form.format(secret) if form == "{}" else form.replace("{}", secret)), ALL).decode()
    assert "[secret]" in hidden
    assert HIDDEN_PART.get(secret, secret.split("\n")[-2] if "\n" in secret and "END" in secret else secret[-12:]) not in hidden
    assert json.loads(hidden)["id"] == 1


@pytest.mark.parametrize(
    ("kind", "said", "shown"),
    [
        ("email", "write to ann.lee+x@mail.example.com.", "write to [email]."),
        ("email", "<jürgen@müller.example>", "<[email]>"),
        ("email", "a@b", "a@b"),
        ("email", "the decorator @app.route", "the decorator @app.route"),
        ("email", "git@github.com:acme/shop.git", "[email]:acme/shop.git"),
        ("card", "4111 1111 1111 1111", "[card]"),
        ("card", "5500-0000-0000-0004,", "[card],"),
        ("card", "378282246310005", "[card]"),
        ("card", "4111 1111 1111 1112", "4111 1111 1111 1112"),
        ("card", "order 1763719200123456", "order 1763719200123456"),
        ("phone", "+49 30 1234567", "[phone]"),
        ("phone", "call (555) 234-5678 now", "call [phone] now"),
        ("phone", "Tel.: 030 / 123 45 67", "Tel.: [phone]"),
        ("phone", "2026-11-21 18:30:00", "2026-11-21 18:30:00"),
        ("phone", "192.168.100.200", "192.168.100.200"),
        ("phone", "1.234.567.890 rows", "1.234.567.890 rows"),
        ("secret", "the password must have 8 characters", "the password must have 8 characters"),
        ("secret", "token: required", "token: required"),
        ("secret", "sk-learn and task-force", "sk-learn and task-force"),
        ("secret", "a public key: -----BEGIN PUBLIC KEY-----", "a public key: -----BEGIN PUBLIC KEY-----"),
        ("secret", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ],
)  # fmt: skip
def test_each_kind_takes_its_own_and_leaves_what_looks_alike(kind: str, said: str, shown: str) -> None:
    assert masked_text(said, frozenset({kind})) == shown


def test_only_the_kinds_asked_for_are_struck_out() -> None:
    said = text("ann@example.com, 4111 1111 1111 1111")
    assert mask(said, frozenset({"card"})) == text("ann@example.com, [card]").replace(b": ", b":").replace(b', "', b',"')
    assert mask(said, frozenset()) is said
    assert mask(said, frozenset({"unheard of"})) is said


@pytest.mark.parametrize(
    "result",
    [
        {"content": [{"type": "text", "text": "ann@example.com"}]},
        {"content": [{"type": "resource", "resource": {"uri": "a://b", "text": "ann@example.com"}}]},
        {"content": [{"type": "resource_link", "uri": "a://b", "name": "x", "description": "of ann@example.com"}]},
        {"contents": [{"uri": "a://b", "text": "ann@example.com"}]},
        {"messages": [{"role": "user", "content": {"type": "text", "text": "ann@example.com"}}]},
        {"structuredContent": {"rows": [["ann@example.com"]]}},
        {"structuredContent": {"ann@example.com": 1}},
        {"structuredContent": {"name": "ann@example.com", "uri": "ann@example.com"}},
        {"resultType": "input_required", "inputRequests": {"a": {"params": {"message": "Is it ann@example.com?"}}}},
    ],
)
def test_every_part_of_an_answer_that_a_model_reads_is_looked_at(result: Json) -> None:
    assert b"ann@example.com" not in mask(message(result), ALL)


def test_errors_and_notifications_are_looked_at() -> None:
    error = b'{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no user ann@example.com","data":{"of":["ann@example.com"]}}}'
    told = b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"ann@example.com"}}'
    assert b"ann@" not in mask(error, ALL)
    assert b"ann@" not in mask(told, ALL)


def test_what_must_come_back_as_it_was_and_what_is_no_text_is_left_alone() -> None:
    said = message(
        {
            "content": [{"type": "image", "data": "QUtJ/AKIAIOSFODNN7EXAMPLE", "mimeType": "image/png"}],
            "contents": [{"uri": "mail://ann@example.com", "blob": "AKIAIOSFODNN7EXAMPLE"}],
            "requestState": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            "_meta": {"who": "ann@example.com"},
        }
    )
    assert mask(said, ALL) is said


def test_a_member_that_names_a_secret_is_struck_out_whatever_it_says() -> None:
    hidden = json.loads(mask(message({"structuredContent": {"db": {"password": "simple", "user": "ann"}}}), ALL))
    assert hidden["result"]["structuredContent"] == {"db": {"password": "[secret]", "user": "ann"}}


def test_a_card_that_is_a_number_is_struck_out_of_structured_content() -> None:
    hidden = json.loads(mask(message({"structuredContent": {"n": 4111111111111111, "m": 41}}), ALL))
    assert hidden["result"]["structuredContent"] == {"n": "[card]", "m": 41}


@pytest.mark.parametrize("escaped", [r"ann\u0040example.com", r"ann@example\u002ecom", r"\u0061nn@example.com"])
def test_escaped_characters_hide_nothing(escaped: str) -> None:
    hidden = mask(b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"' + escaped.encode() + b'"}]}}', ALL)
    assert json.loads(hidden)["result"]["content"][0]["text"] == "[email]"


def test_what_is_said_twice_under_one_name_hides_nothing() -> None:
    twice = b'{"jsonrpc":"2.0","id":1,"result":{"text":"ann@example.com","text":"nobody"}}'
    assert b"ann@" not in mask(twice, ALL)


def test_a_message_with_nothing_in_it_is_the_very_same_bytes() -> None:
    said = b'{ "jsonrpc" : "2.0", "id":1,"result" :{"n":1.50,"t":"caf\\u00e9 \xe2\x98\x83 @home", "big":12345678901234567890123}}'
    assert mask(said, ALL) is said


@pytest.mark.parametrize(
    "broken", [b'{"a@b', b'"ann@example.com"', b'["ann@example.com"]', b"ann@example.com\xff", '{"a":"@"}'.encode("utf-16")]
)
def test_what_cannot_be_read_is_not_passed_on(broken: bytes) -> None:
    with pytest.raises(AnswerNotMasked):
        mask(broken, ALL)


def test_an_answer_nested_absurdly_is_not_passed_on() -> None:
    with pytest.raises(AnswerNotMasked):
        mask(b'{"result":' + b"[" * 5_000 + b'"ann@example.com"' + b"]" * 5_000 + b"}", ALL)


@settings(max_examples=examples(80), deadline=None)
@given(
    st.recursive(
        st.text() | st.integers() | st.booleans() | st.none(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)
    )
)
def test_masking_changes_nothing_but_texts_and_keeps_every_message_readable(result: Json) -> None:
    said = message({"structuredContent": result, "content": [{"type": "text", "text": json.dumps(result)}]})
    hidden = mask(said, ALL)
    assert mask(hidden, ALL) == hidden
    assert json.loads(hidden)["jsonrpc"] == "2.0"


@given(st.text(max_size=200))
def test_masking_twice_is_masking_once(said: str) -> None:
    once = masked_text(said + " ann@example.com", ALL)
    assert masked_text(once, ALL) == once
