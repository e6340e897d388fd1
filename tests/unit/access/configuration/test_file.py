"""The access file: what it says, and each fault with its line."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mcp_gateway.access.configuration.file import AccessConfiguration, AccessFile, AuditConfiguration, read_access
from mcp_gateway.access.errors import AccessFileUnreadable, PolicyInvalid
from mcp_gateway.access.policy.model import ACTIONS, CallerValue, Grant, Role, RowFilter, Rule

WHOLE = """
roles:
  - {name: finance, extends: [viewer], allow: [{actions: [ask], tables: ["orders*"]}], note: Money}
rules:
  - {id: tools, effect: allow, tenants: [acme], roles: [finance], subjects: ["svc-*"], actions: [call_tool], servers: ["*"],
     tools: ["execute_*"]}
  - id: pii
    effect: deny
    columns: [customers.email]
    note: Only for support
row_filters:
  - {id: eu, tables: [orders], tenants: [acme], roles: [finance], column: region, operator: in, value: [EU, "${REGION}"]}
  - {id: own, tables: ["*"], column: tenant, operator: "=", value: {caller: tenant}}
  - {id: since, tables: [orders], column: day, operator: ">=", value: 2026-01-01}
  - {id: few, tables: [orders], column: total, operator: <, value: 100}
  - {id: open, tables: [orders], column: closed, operator: is null}
audit: {arguments: true, retention_days: 30}
"""


def test_everything_is_read_as_written() -> None:
    read = read_access(WHOLE, environment={"REGION": "UK"})
    finance = Grant(actions=frozenset({"ask"}), tables=("orders*",))
    assert read.statements.roles == (Role(name="finance", extends=("viewer",), allow=(finance,), note="Money"),)
    tools = Rule(
        id="tools",
        effect="allow",
        actions=frozenset({"call_tool"}),
        tenants=frozenset({"acme"}),
        roles=frozenset({"finance"}),
        subjects=("svc-*",),
        servers=("*",),
        tools=("execute_*",),
    )
    pii = Rule(id="pii", effect="deny", actions=frozenset(ACTIONS), columns=("customers.email",), note="Only for support")
    assert read.statements.rules == (tools, pii)
    eu, own, since, few, still_open = read.statements.row_filters
    assert eu == RowFilter(
        id="eu",
        tables=("orders",),
        column="region",
        operator="in",
        value=("EU", "UK"),
        tenants=frozenset({"acme"}),
        roles=frozenset({"finance"}),
    )
    assert own.value == CallerValue(attribute="tenant")
    assert (since.value, few.value, still_open.value, still_open.operator) == ("2026-01-01", 100, None, "is null")
    assert read.audit == AuditConfiguration(arguments=True, retention_days=30)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "rules: []", "roles:\nrules:\naudit:\n"])
def test_an_empty_file_says_nothing_and_may(text: str) -> None:
    assert read_access(text) == AccessConfiguration()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("rulez: []", "access:1: rulez: is not a known key. Did you mean rules?"),
        ("rules:\n  - {id: r, effect: deny, tabels: [x]}", "access:2: rules[0].tabels: is not a known key. Did you mean tables?"),
        ("rules:\n  - {id: r, effect: deny}\n  - {id: r, effect: deny}", "access:3: rules[1]: The id r stands twice"),
        ("rules: [{id: r, effect: deny, roles: [analist]}]", "not defined. Did you mean analyst?"),
        ("roles:\n  - {name: a, extends: [b]}\n  - {name: b, extends: [a]}", "extends itself"),
        ("roles: [{name: admin}]", "access:1: roles[0]: There already is a role admin"),
        ("rules: {id: r}", "access:1: rules: must be a list"),
        ("rules: [deny]", "access:1: rules[0]: must be a mapping"),
        ("- rules", "access:1: must be a mapping"),
        ("rules: [", "is not valid YAML"),
        ("audit: {retention_days: 0}", "audit.retention_days"),
        ("audit: {argument: true}", "audit.argument: is not a known key. Did you mean arguments?"),
        ("row_filters: [{id: f, tables: [t], column: c, operator: =, value: no}]", "could be read in several ways: 'no'"),
        ("row_filters: [{id: f, tables: [t], column: c, operator: =, value: 012}]", "could be read in several ways: '012'"),
        ("row_filters: [{id: f, tables: [t], column: c, operator: =, value: .inf}]", "could be read in several ways: '.inf'"),
        ("row_filters: [{id: f, tables: [t], column: c, operator: =, value: '${UNSET}'}]", "variable UNSET is not set"),
        ("row_filters: [{id: f, tables: [t], column: c, operator: =, value: !!python/name:os.system x}]", "several ways"),
        ("rules: [{id: on, effect: deny, roles: [no]}]", "rules[0].roles[0]: must be text, not 'no'"),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, fault: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        read_access(text)
    assert fault in caught.value.message


def test_a_secret_from_the_environment_is_in_no_message() -> None:
    text = "rules: [{id: '${SECRET}', effect: '${SECRET}', roles: ['${SECRET}'], actions: ['${SECRET}']}]"
    with pytest.raises(PolicyInvalid) as caught:
        read_access(text, environment={"SECRET": "hunter2 hunter2"})
    assert "hunter2" not in str(caught.value.to_dict())


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(AccessFileUnreadable) as missing:
        AccessFile(tmp_path / "none.yaml").load()
    assert "none.yaml" in missing.value.message
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"rules: []\n\xff\xfe")
    with pytest.raises(PolicyInvalid, match=r"binary\.yaml:2: is not UTF-8 text"):
        AccessFile(binary).load()
    long = tmp_path / "long.yaml"
    long.write_bytes(b"#" * 1_000_001)
    with pytest.raises(PolicyInvalid, match="more than 1,000,000 bytes"):
        AccessFile(long).load()


@pytest.mark.anyio
async def test_what_is_read_at_start_alone_asks_for_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "access.yaml"
    path.write_text("rules: []")
    file = AccessFile(path)
    file.load()
    assert await file.reload() is None
    path.write_text("audit: {retention_days: 7}")
    with capture_logs() as logs:
        assert await file.reload() is None
        assert await file.reload() is not None
    assert [one["event"] for one in logs] == ["access_file_needs_restart"]
