"""Deviations from the direct verdicts that are known, each with its reason. Everything else must be identical."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from bench.conformance.pairings import Difference, Outcome, Pairing

FILE = Path(__file__).parent / "expectations.yaml"


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A scenario that ends in `state` through the gateway, for clients of these revisions and upstreams of these eras."""

    scenario: str
    state: str
    revisions: tuple[str, ...]
    eras: tuple[str, ...]
    reason: str

    def fits(self, difference: Difference) -> bool:
        return self.covers(difference.pairing, difference.scenario) and self.state == difference.through.state

    def covers(self, pairing: Pairing, scenario: str) -> bool:
        return self.scenario == scenario and pairing.revision in self.revisions and pairing.era in self.eras


def read(file: Path = FILE) -> list[Expected]:
    entries = yaml.safe_load(file.read_text(encoding="utf-8"))["deviations"] or []
    return [
        Expected(
            scenario=entry["scenario"],
            state=entry["state"],
            revisions=tuple(entry["clients"]),
            eras=tuple(entry["upstreams"]),
            reason=" ".join(entry["reason"].split()),
        )
        for entry in entries
    ]


def judge(outcome: Outcome, expected: Sequence[Expected]) -> list[str]:
    """What is wrong, in words: a difference nobody explained, or an explanation of what is not there."""
    differences = outcome.differences()
    wrong = [_told(one) for one in differences if not any(entry.fits(one) for entry in expected)]
    for entry in expected:
        run = [pairing for pairing in outcome.through if pairing.revision in entry.revisions and pairing.era in entry.eras]
        if run and not any(entry.fits(one) for one in differences):
            wrong.append(f"{entry.scenario}: expected to {entry.state} ({entry.reason}), and it does not any more")
    return wrong


def _told(one: Difference) -> str:
    why = f" ({one.through.reasons[0]})" if one.through.reasons else ""
    return f"{one.pairing}: {one.scenario} is {one.through.state}, directly {one.direct.state}{why}"
