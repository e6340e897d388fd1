"""`mcp-gateway auth doctor` against a real provider: what is wrong is found, and said with what to change where."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.oidc_provider.process import TENANT_A, OpenIdProviderProcess

from mcp_gateway.cli import main

Doctor: TypeAlias = Callable[..., tuple[int, dict[str, dict[str, Any]]]]

ACCESS = """
providers:
  - name: entra
    kind: entra
    issuer: %s
    audience: [%s]
    tenant: acme
    roles: {Gateway.Admin: admin}
    groups: {group-analysts: analyst}
"""


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Runs the command over an access file; gives its exit code and its steps by name."""

    def run(access: str, *options: str, token: str = "") -> tuple[int, dict[str, dict[str, Any]]]:
        file = tmp_path / "access.yaml"
        file.write_text(access)
        monkeypatch.setenv("ACCESS_FILE", str(file))
        monkeypatch.setattr("sys.stdin", io.StringIO(token))
        with pytest.raises(SystemExit) as ended:
            main(["auth", "doctor", "--json", *options, *(["--token-stdin"] if token else [])])
        said = capsys.readouterr().out
        assert not token or token not in said
        steps = [step for chapter in json.loads(said)["chapters"] for step in chapter["steps"]]
        return int(ended.value.code or 0), {step["step"]: step for step in steps}

    return run


def test_a_sound_provider_and_token_are_found_sound(entra_provider: OpenIdProviderProcess, doctor: Doctor) -> None:
    access = ACCESS % (entra_provider.issuer(), "api://gateway")
    code, steps = doctor(access, "--provider", "entra", token=entra_provider.user_token("alice"))
    assert (code, [name for name, step in steps.items() if step["verdict"] == "problem"]) == (0, [])
    sound = {name for name, step in steps.items() if step["verdict"] == "ok"}
    assert sound >= {"configuration", "address", "connection", "metadata", "issuer", "keys", "algorithms", "clock", "audience"}
    assert sound >= {"token", "token issuer", "token audience", "token belief", "token claims", "token roles", "token groups"}
    assert steps["token claims"]["said"] == "entra:oid-alice of tenant acme."


@pytest.mark.parametrize(
    ("user", "audience", "step", "said"),
    [
        ("bob", "api://gateway", "token issuer", "is not let in"),
        ("alice", "api://another", "token audience", "issued for api://gateway"),
        ("nora", "api://gateway", "token roles", "No role comes of it"),
        ("carol", "api://gateway", "token roles", "Gateway.Analyst"),
        ("otto", "api://gateway", "token groups", "too many groups"),
    ],
)
def test_what_keeps_a_token_from_working_is_named(
    entra_provider: OpenIdProviderProcess, doctor: Doctor, user: str, audience: str, step: str, said: str
) -> None:
    access = ACCESS % (entra_provider.issuer(), audience)
    code, steps = doctor(access, token=entra_provider.user_token(user))
    assert (code, steps[step]["verdict"]) == (1, "problem")
    assert said in steps[step]["said"]
    assert steps[step]["change"]


def test_entra_configured_as_any_provider_is_recognised(entra_provider: OpenIdProviderProcess, doctor: Doctor) -> None:
    access = (ACCESS % (entra_provider.issuer("organizations"), "api://gateway")).replace("kind: entra", "kind: oidc")
    code, steps = doctor(access)
    assert (code, steps["issuer"]["verdict"]) == (1, "problem")
    assert "write kind: entra" in steps["issuer"]["change"]


def test_what_has_to_be_registered_is_said(entra_provider: OpenIdProviderProcess, doctor: Doctor) -> None:
    access = ACCESS % (entra_provider.issuer(), "api://gateway") + "    client_id: gateway\n"
    _, steps = doctor(access, "--url", "http://127.0.0.1:1")
    assert steps["page login"]["facts"]["redirect_uri"] == "http://127.0.0.1:1/login/entra/callback"
    assert (steps["resource"]["verdict"], steps["clients"]["verdict"]) == ("ok", "ok")
    assert steps["gateway"]["verdict"] == "problem"


def test_without_a_login_at_the_gateway_clients_meet_entras_rules(entra_provider: OpenIdProviderProcess, doctor: Doctor) -> None:
    _, steps = doctor(ACCESS % (entra_provider.issuer(), "api://gateway"), "--url", "http://127.0.0.1:1")
    assert steps["resource"]["facts"]["resource"] == "http://127.0.0.1:1/mcp"
    assert "AADSTS9010010" in steps["resource"]["said"]
    assert "Register a public client" in steps["clients"]["change"]


def test_a_provider_that_is_not_there_is_said(doctor: Doctor) -> None:
    code, steps = doctor(ACCESS % (f"http://127.0.0.1:9/{TENANT_A}/v2.0", "api://gateway"), token="no.token.at-all")
    assert (code, steps["connection"]["verdict"], steps["keys"]["verdict"]) == (1, "problem", "unknown")
    assert steps["token"]["verdict"] == "problem"


@pytest.mark.parametrize("access", ["providers: [{name: x}]", "providers: 7", "[", "\x00", ""])
def test_a_file_that_cannot_be_used_is_a_step_of_its_own(doctor: Doctor, access: str) -> None:
    code, steps = doctor(access)
    assert (code, list(steps)) == (0 if access == "" else 1, ["configuration"])


def test_a_provider_nobody_configured_is_said(doctor: Doctor) -> None:
    code, steps = doctor(ACCESS % (f"http://127.0.0.1:9/{TENANT_A}/v2.0", "x"), "--provider", "other")
    assert (code, steps["configuration"]["change"]) == (1, "Known: entra.")


@pytest.mark.parametrize(("text", "code", "said"), [("AADSTS650053: no", 0, "whole scope"), ("AADSTS1", 1, "not among those")])
def test_errors_of_entra_are_explained(capsys: pytest.CaptureFixture[str], text: str, code: int, said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["auth", "doctor", "--error", text])
    assert (ended.value.code or 0, said in capsys.readouterr().out) == (code, True)


def test_words_of_a_provider_do_not_drive_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "access.yaml"
    file.write_text(ACCESS % (f"http://127.0.0.1:9/{TENANT_A}/v2.0", "x"))
    monkeypatch.setenv("ACCESS_FILE", str(file))
    # {"alg":"RS256"} . {"iss":"\x1b]0;owned\x07"}
    monkeypatch.setattr("sys.stdin", io.StringIO("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJcdTAwMWJdMDtvd25lZFx1MDAwNyJ9.AAAA"))
    with pytest.raises(SystemExit):
        main(["auth", "doctor", "--token-stdin"])
    said = capsys.readouterr().out
    assert "owned" in said
    assert not [one for one in said if ord(one) < 32 and one != "\n"]
