"""Rules, explanations, tokens and the trail over HTTP, each for its own tenant only."""

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.unit.entrypoints.http.guarded import Guarded, open_guarded

pytestmark = pytest.mark.anyio

DENY = {"id": "no-sql", "effect": "deny", "actions": ["run_query"], "roles": ["analyst"], "note": "ask instead"}
ADMIN_ONLY = [
    ("GET", "/api/access/rules", None),
    ("PUT", "/api/access/rules", {"kind": "rule", "statement": DENY}),
    ("DELETE", "/api/access/rules/rule/no-sql", None),
    ("POST", "/api/access/dry-run", {"changes": [{"statement": DENY}]}),
    ("POST", "/api/access/explain", {"tool": "ask"}),
    ("GET", "/api/access/tokens", None),
    ("POST", "/api/access/tokens", {"subject": "bob", "roles": ["viewer"]}),
    ("DELETE", "/api/access/tokens/jti-1", None),
    ("POST", "/api/access/sign-out", {"subject": "ada"}),
    ("POST", "/api/login/link", {"subject": "bob", "roles": ["viewer"]}),
    ("GET", "/api/audit", None),
    ("GET", "/api/audit/verify", None),
]


@pytest.fixture
async def gate() -> AsyncIterator[Guarded]:
    async with open_guarded() as opened:
        yield opened


def code(reply: httpx.Response) -> str:
    return str(reply.json()["error"]["code"])


@pytest.mark.parametrize(("method", "path", "body"), ADMIN_ONLY, ids=lambda part: str(part)[:40])
async def test_only_administrators_reach_it_and_not_with_a_narrowed_token(
    gate: Guarded, method: str, path: str, body: dict[str, object] | None
) -> None:
    """GHSA-gj7g-7r6g-jc8v: a token narrowed to less must not do what its holder's role may."""
    for role in ("viewer", "analyst", "operator", "developer"):
        refused = await gate.client.request(method, path, json=body, headers=gate.bearer(role))
        assert (refused.status_code, code(refused)) == (403, "NOT_ALLOWED")

    narrowed = await gate.client.request(method, path, json=body, headers=gate.bearer("admin", scope="gateway.read gateway.ask"))

    assert (narrowed.status_code, code(narrowed)) == (403, "INSUFFICIENT_SCOPE")


async def test_a_rule_is_put_in_force_listed_and_removed(gate: Guarded) -> None:
    admin = gate.bearer("admin", subject="root")
    explain = {"caller": {"subject": "ada", "roles": ["analyst"]}, "tool": "execute_query"}
    before = (await gate.client.post("/api/access/explain", json=explain, headers=admin)).json()

    put = await gate.client.put("/api/access/rules", json={"kind": "rule", "statement": DENY}, headers=admin)

    after = (await gate.client.post("/api/access/explain", json=explain, headers=admin)).json()
    listed = (await gate.client.get("/api/access/rules", headers=admin)).json()["rules"]
    assert (before["works"], put.status_code, after["works"]) == (True, 200, False)
    assert [link["rule"] for link in after["chain"] if not link["passed"]] == ["no-sql"]
    assert next(rule for rule in listed if rule["id"] == "no-sql")["created_by"] == "root"
    removed = await gate.client.delete("/api/access/rules/rule/no-sql", headers=admin)
    assert removed.status_code == 200
    assert (await gate.client.post("/api/access/explain", json=explain, headers=admin)).json()["works"] is True
    again = await gate.client.delete("/api/access/rules/rule/no-sql", headers=admin)
    assert again.status_code == 404


async def test_a_rule_of_one_tenant_is_neither_seen_nor_removed_by_another(gate: Guarded) -> None:
    await gate.client.put("/api/access/rules", json={"kind": "rule", "statement": DENY}, headers=gate.bearer("admin"))
    other = gate.bearer("admin", tenant="other")

    listed = (await gate.client.get("/api/access/rules", headers=other)).json()["rules"]

    assert "no-sql" not in {rule["id"] for rule in listed}
    assert (await gate.client.delete("/api/access/rules/rule/no-sql", headers=other)).status_code == 404


async def test_a_dry_run_says_who_would_lose_what_and_changes_nothing(gate: Guarded) -> None:
    admin = gate.bearer("admin")

    found = (await gate.client.post("/api/access/dry-run", json={"changes": [{"statement": DENY}]}, headers=admin)).json()

    assert any(shift["action"] == "run_query" and not shift["allowed"] for shift in found["of_roles"])
    listed = (await gate.client.get("/api/access/rules", headers=admin)).json()["rules"]
    assert "no-sql" not in {rule["id"] for rule in listed}


@pytest.mark.parametrize(
    "statement",
    [{"id": "x"}, {"id": "x", "effect": "perhaps"}, {"id": "x", "effect": "allow", "actions": ["ask"], "surprise": 1}],
)
async def test_a_rule_that_cannot_be_understood_is_refused_with_the_reason(gate: Guarded, statement: dict[str, object]) -> None:
    reply = await gate.client.put("/api/access/rules", json={"statement": statement}, headers=gate.bearer("admin"))
    assert (reply.status_code, code(reply)) == (400, "POLICY_INVALID")


async def test_a_token_is_told_once_listed_without_its_text_and_taken_back(gate: Guarded) -> None:
    admin = gate.bearer("admin", subject="root")

    made = (await gate.client.post("/api/access/tokens", json={"subject": "bob", "roles": ["viewer"]}, headers=admin)).json()

    bob = {"Authorization": f"Bearer {made['token']}"}
    assert (await gate.client.get("/api/me", headers=bob)).json()["subject"] == "bob"
    listed = await gate.client.get("/api/access/tokens", headers=admin)
    assert made["token"] not in listed.text
    assert [one["id"] for one in listed.json()["tokens"]] == [made["id"]]
    foreign = await gate.client.delete(f"/api/access/tokens/{made['id']}", headers=gate.bearer("admin", tenant="other"))
    assert foreign.status_code == 404
    assert (await gate.client.delete(f"/api/access/tokens/{made['id']}", headers=admin)).status_code == 200
    assert (await gate.client.get("/api/me", headers=bob)).status_code == 401


async def test_the_trail_is_paged_and_filtered_and_of_one_tenant(gate: Guarded) -> None:
    admin = gate.bearer("admin", subject="root")
    for _ in range(3):
        await gate.client.get("/api/access/tokens", headers=gate.bearer("viewer"))
    await gate.client.get("/api/access/tokens", headers=gate.bearer("viewer", tenant="other"))

    first = (await gate.client.get("/api/audit?decision=refused&limit=2", headers=admin)).json()
    rest = (await gate.client.get(f"/api/audit?decision=refused&limit=2&before={first['before']}", headers=admin)).json()

    lines = first["rows"] + rest["rows"]
    assert [row["sequence"] for row in lines] == sorted((row["sequence"] for row in lines), reverse=True)
    assert len(lines) == 3
    assert {(row["subject"], row["action"], row["error_code"]) for row in lines} == {("ada", "issue_tokens", "NOT_ALLOWED")}
    assert rest["before"] is None


async def test_reading_the_trail_stands_in_the_trail(gate: Guarded) -> None:
    admin = gate.bearer("admin", subject="root")
    await gate.client.get("/api/audit?subject=ada", headers=admin)
    rows = (await gate.client.get("/api/audit?action=read_audit", headers=admin)).json()["rows"]
    assert rows[0]["subject"] == "root"


async def test_the_chain_is_verified(gate: Guarded) -> None:
    admin = gate.bearer("admin")
    await gate.client.get("/api/audit", headers=admin)
    found = (await gate.client.get("/api/audit/verify", headers=admin)).json()
    assert (found["sound"], found["findings"]) == (True, [])
    assert found["rows"] >= 1


async def test_me_says_what_the_caller_may(gate: Guarded) -> None:
    viewer = (await gate.client.get("/api/me", headers=gate.bearer("viewer"))).json()
    assert (viewer["login"], viewer["csrf"]) == ("token", None)
    assert viewer["may"]["see_servers"] is True
    assert viewer["may"]["read_audit"] is False


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/access/rules", None),
        ("POST", "/api/access/dry-run", {"changes": [{"statement": DENY}]}),
        ("POST", "/api/access/explain", {"tool": "ask"}),
        ("GET", "/api/access/tokens", None),
    ],
    ids=lambda part: str(part)[:40],
)
async def test_looking_at_rules_and_tokens_stands_in_the_trail(
    gate: Guarded, method: str, path: str, body: dict[str, object] | None
) -> None:
    admin = gate.bearer("admin", subject="root")
    looked = await gate.client.request(method, path, json=body, headers=admin)

    rows = (await gate.client.get("/api/audit", headers=admin)).json()["rows"]

    assert looked.status_code == 200
    assert [(row["subject"], row["outcome"], row["correlation_id"]) for row in rows] == [
        ("root", "answered", looked.headers["x-correlation-id"])
    ]


async def test_a_page_of_the_trail_beyond_what_any_store_counts_to_is_refused(gate: Guarded) -> None:
    admin = gate.bearer("admin")
    assert (await gate.client.get(f"/api/audit?before={2**63 - 1}", headers=admin)).status_code == 200
    assert (await gate.client.get(f"/api/audit?before={2**63}", headers=admin)).status_code == 422


async def test_the_trail_says_what_an_administrator_changed_and_no_secret(gate: Guarded) -> None:
    admin = gate.bearer("admin", subject="root")
    await gate.client.put("/api/access/rules", json={"kind": "rule", "statement": DENY}, headers=admin)
    issued = (await gate.client.post("/api/access/tokens", json={"subject": "bob", "roles": ["viewer"]}, headers=admin)).json()
    await gate.client.post("/api/access/sign-out", json={"subject": "eve"}, headers=admin)

    rows = (await gate.client.get("/api/audit", headers=admin)).json()["rows"]

    told = " ".join(str(row["arguments"]) for row in rows)
    assert "no-sql" in told
    assert "bob" in told
    assert "eve" in told
    assert issued["token"] not in str(rows)
