"""The canonical text of an event: one for each, and read back as it was."""

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.access.audit_trails import EVENT

from mcp_gateway.access.audit.chain import canonical, genesis, line_of, microseconds, next_hash, read_body
from mcp_gateway.access.audit.model import AuditEvent

TEXTS = st.text(max_size=30)
WORDS = st.lists(TEXTS, max_size=3).map(tuple)
EVENTS = st.builds(
    AuditEvent,
    tenant=TEXTS,
    at=st.integers(0, 4_000_000_000_000_000).map(lambda micros: micros / 1_000_000),
    subject=TEXTS,
    action=TEXTS,
    decision=st.sampled_from(["allowed", "refused"]),
    outcome=st.sampled_from(["answered", "failed", "refused", "cancelled"]),
    credential=TEXTS,
    roles=WORDS,
    scopes=st.none() | WORDS,
    server=TEXTS,
    tool=TEXTS,
    table=TEXTS,
    column=TEXTS,
    reason=TEXTS,
    duration_ms=st.floats(0, 1e12),
    arguments=st.none() | TEXTS,
)


@given(EVENTS)
def test_a_line_is_read_back_as_the_event_it_was_made_of(event: AuditEvent) -> None:
    line = line_of(event)
    assert read_body(line.body) == line.event
    assert line_of(line.event) == line


@given(EVENTS)
def test_the_text_is_what_any_json_library_makes_with_keys_in_order(event: AuditEvent) -> None:
    kept, body = line_of(event)
    fields = {**asdict(kept), "at": microseconds(kept.at)}
    assert body == json.dumps(fields, sort_keys=True, separators=(",", ":"))


@given(EVENTS)
def test_nothing_kept_can_harm_a_store_or_a_terminal(event: AuditEvent) -> None:
    kept, body = line_of(event)
    assert body.isascii()
    assert all(
        text.isprintable() for text in (kept.tenant, kept.subject, kept.reason, kept.tool, *kept.roles, kept.arguments or "")
    )


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "[]",
        "null",
        canonical(EVENT) + " ",
        canonical(EVENT).replace(":12.25", ":12.250"),
        canonical(EVENT).replace('"decision":"allowed"', '"decision":"maybe"'),
        canonical(EVENT).replace('"tool":""', '"tool":"","tool":""'),
        canonical(EVENT).replace('"roles":["analyst","viewer"]', '"roles":"analyst"'),
        canonical(EVENT).replace('"at":17', '"at":' + "9" * 40 + "17"),
        canonical(EVENT).replace('"duration_ms":12.25', '"duration_ms":NaN'),
        "[" * 100_000,
    ],
)
def test_any_other_text_is_none(body: str) -> None:
    assert body != canonical(EVENT)
    assert read_body(body) is None


def test_the_first_hash_is_bound_to_tenant_and_installation() -> None:
    firsts = {genesis(tenant, installation) for tenant in ("a", "b", 'a","b') for installation in ("a", "b", "")}
    assert len(firsts) == 9


def test_a_hash_covers_the_one_before_and_every_field() -> None:
    body = canonical(EVENT)
    assert next_hash("00", body) != next_hash("01", body)
    others = (
        replace(EVENT, subject="x"),
        replace(EVENT, at=EVENT.at + 1e-6),
        replace(EVENT, roles=()),
        replace(EVENT, scopes=None),
        replace(EVENT, arguments=""),
    )
    assert all(canonical(other) != body for other in others)
