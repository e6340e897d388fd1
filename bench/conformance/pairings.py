"""Every pairing of a client's revision with an upstream's era, through the gateway, beside the upstream asked directly.

The upstream is `tests/upstreams/conformance_fixture.py`: the same fixtures in every era. What a client of a revision gets from it
directly is the measure; through the gateway it has to get the same, scenario by scenario, whatever era the upstream speaks.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.conformance.suite import Verdict, run_suite
from tests.programs import Program, folder_for, gateway, module

CLIENTS = ("2026-07-28", "2025-11-25", "2025-06-18")
ERAS = ("both", "modern", "legacy")
FIXTURE = "tests.upstreams.conformance_fixture"
ONE_ENDPOINT = "/mcp"


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """A client of `revision` and an upstream of `era`, met at `path` of the gateway."""

    revision: str
    era: str
    path: str = ONE_ENDPOINT

    def __str__(self) -> str:
        return f"client {self.revision}, upstream {self.era}, {self.path}"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A scenario that ends otherwise than directly."""

    pairing: Pairing
    scenario: str
    direct: Verdict
    through: Verdict


@dataclass(frozen=True, kw_only=True)
class Outcome:
    direct: Mapping[str, Mapping[str, Verdict]]
    through: Mapping[Pairing, Mapping[str, Verdict]] = field(default_factory=dict)

    def differences(self) -> list[Difference]:
        """Also those that pass through the gateway and fail directly: neither should be."""
        found = []
        for pairing, verdicts in self.through.items():
            for scenario, direct in self.direct[pairing.revision].items():
                through = verdicts.get(scenario, Verdict(state="fail", reasons=("it was not run",)))
                if through.state != direct.state:
                    found.append(Difference(pairing=pairing, scenario=scenario, direct=direct, through=through))
        return found


@contextmanager
def fronts(eras: Sequence[str] = ERAS) -> Iterator[tuple[Mapping[str, Program], Mapping[str, Program]]]:
    """An upstream of each era, and a gateway before each: `(upstreams, gateways)` by era."""
    with ExitStack() as stack:
        upstreams = {era: stack.enter_context(module(FIXTURE, "--era", era)) for era in dict.fromkeys(("both", *eras))}
        gateways = {}
        for era in eras:
            folder = stack.enter_context(folder_for("conformance"))
            gateways[era] = stack.enter_context(front(folder, upstreams[era]))
        yield upstreams, gateways


def front(folder: Path, upstream: Program) -> Program:
    return gateway(folder, {"fixture": f"{upstream.url}/mcp"})


def compare(revisions: Sequence[str] = CLIENTS, eras: Sequence[str] = ERAS, paths: Sequence[str] = (ONE_ENDPOINT,)) -> Outcome:
    """Runs it all: a direct run for each revision, and one for each pairing at each path."""
    with fronts(eras) as (upstreams, gateways):
        direct = {revision: run_suite(f"{upstreams['both'].url}/mcp", revision) for revision in revisions}
        through = {}
        for path in paths:
            for pairing in (Pairing(revision=revision, era=era, path=path) for revision in revisions for era in eras):
                through[pairing] = run_suite(f"{gateways[pairing.era].url}{path}", pairing.revision)
    return Outcome(direct=direct, through=through)
