"""The public conformance suite in all four pairings of old and new: through the gateway every scenario ends as it does directly.

Exceptions stand with their reasons in bench/conformance/expectations.yaml. Skipped where npm's registry cannot be reached.
"""

from collections.abc import Iterator, Mapping

import pytest
from bench.conformance import expectations
from bench.conformance.pairings import Outcome, Pairing, fronts
from bench.conformance.suite import PACKAGE, Verdict, run_suite
from tests.npm_programs import NotInstalled, installed
from tests.programs import Program

CLIENTS = ("2026-07-28", "2025-11-25")
ERAS = ("modern", "legacy")


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Mapping[str, Program], Mapping[str, Program]]]:
    try:
        installed(PACKAGE)
    except NotInstalled as reason:
        pytest.skip(str(reason))
    with fronts(ERAS) as found:
        yield found


@pytest.fixture(scope="module")
def direct(running: tuple[Mapping[str, Program], Mapping[str, Program]]) -> Mapping[str, Mapping[str, Verdict]]:
    upstreams, _ = running
    return {revision: run_suite(f"{upstreams['both'].url}/mcp", revision) for revision in CLIENTS}


def test_the_server_behind_the_gateway_passes_everything(direct: Mapping[str, Mapping[str, Verdict]]) -> None:
    failed = [(revision, name) for revision, found in direct.items() for name, one in found.items() if one.state == "fail"]
    assert not failed
    assert all(len(found) > 30 for found in direct.values())


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("revision", CLIENTS)
def test_every_scenario_ends_as_it_does_directly(
    running: tuple[Mapping[str, Program], Mapping[str, Program]],
    direct: Mapping[str, Mapping[str, Verdict]],
    revision: str,
    era: str,
) -> None:
    _, gateways = running
    pairing = Pairing(revision=revision, era=era)
    through = run_suite(f"{gateways[era].url}{pairing.path}", revision)
    outcome = Outcome(direct={revision: direct[revision]}, through={pairing: through})
    assert not expectations.judge(outcome, expectations.read())
